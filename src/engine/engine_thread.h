// EngineThread: an EngineCore on a thread of its own behind a queue. Submit, Abort and stats may be called from any
// thread; sinks hear from the engine's thread. The destructor aborts what is running and waits for the thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/queue.h"
#include "engine/engine_core.h"

namespace spate {

class EngineThread {
 public:
  // Executor and tokenizer (null = none) outlive the thread; vocab and options.context are what requests are checked
  // against.
  EngineThread(const SchedulerOptions& options, SequenceLimits limits, int vocab, Executor& executor,
               const Tokenizer* tokenizer);
  ~EngineThread();
  EngineThread(const EngineThread&) = delete;
  EngineThread& operator=(const EngineThread&) = delete;

  void Submit(Request request, std::shared_ptr<Sink> sink);
  void Abort(std::string id);
  EngineStats stats() const;

 private:
  struct AbortCommand {
    std::string id;
  };
  using Command = std::variant<Submission, AbortCommand>;

  void Loop();

  const int vocab_;
  const int context_;
  const Tokenizer* tokenizer_;
  SteadyClock clock_;
  EngineCore core_;  // used by the thread alone
  Queue<Command> queue_;
  mutable std::mutex stats_mutex_;
  EngineStats stats_;
  std::thread thread_;
};

}  // namespace spate
