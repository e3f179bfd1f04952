// Ctrl-C while a command works: the work ends early and what there is so far is reported.
#pragma once

namespace spate {

// Counts SIGINT and SIGTERM while it lives; a second one ends the process at once. One at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool interrupted() const;
};

}  // namespace spate
