// What becomes of a file that shrinks while it is mapped: reading its missing pages raises SIGBUS, which would end the
// process. A process-wide handler, installed with the first range, puts zeros in their place and remembers it, so that
// whoever reads the file can say so once it has read: see MmapFile::ThrowIfChanged. A SIGBUS elsewhere goes on to
// whoever handled it before. Thread-safe. The table of ranges is the one global state here: a signal handler has
// nothing else to look at.
#pragma once

#include <cstddef>
#include <span>

namespace spate {

class MappedRange {
 public:
  MappedRange() = default;
  // A whole mapping of a file; it outlives this. At most 8192 ranges at a time: beyond them no handler helps.
  explicit MappedRange(std::span<const std::byte> mapping);
  MappedRange(MappedRange&& other) noexcept;
  MappedRange& operator=(MappedRange&& other) noexcept;
  ~MappedRange();

  bool faulted() const;  // pages were missing when somebody read them: they are zeros now

 private:
  int slot_ = -1;
};

}  // namespace spate
