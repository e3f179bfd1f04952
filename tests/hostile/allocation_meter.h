// What this program has allocated with operator new: allocation_meter.cc replaces it. Memory that is mapped, and what
// the sanitizers' own operator new[] hands out, is not counted. Any thread.
#pragma once

#include <cstddef>

namespace spate {

// From its construction on; one at a time.
class AllocationMeter {
 public:
  AllocationMeter();
  size_t largest() const;    // bytes of the largest single allocation
  size_t peak_live() const;  // most bytes held at once above what was held at the beginning

 private:
  size_t before_;
};

}  // namespace spate
