// A folder of small files that a test breaks one at a time, a thousand times, and gives to a reader each time.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/hostile/mutate.h"

namespace spate {

struct HostileFile {
  std::string name;
  Grammar grammar = Grammar::kBytes;
  int share = 1;  // how often it is broken, compared with the others
};

// What reading may take: no allocation larger than the files (or than kSmallAllocation, where those are small), and at
// no time more than `times` their size and `slack` in all. A file's size is what the file system says it is, also of
// one with holes.
struct MemoryBound {
  size_t times;
  size_t slack;
};
inline constexpr size_t kSmallAllocation = size_t{64} << 10;  // buffers of a fixed size, lists with room to grow

class BrokenCopy {
 public:
  // Copies the folder's files, without those below it. `files` are the ones to break.
  BrokenCopy(const std::filesystem::path& source, std::vector<HostileFile> files);
  BrokenCopy(std::string name, const std::string& bytes, Grammar grammar);  // a folder of this one file
  ~BrokenCopy();
  BrokenCopy(const BrokenCopy&) = delete;
  BrokenCopy& operator=(const BrokenCopy&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

  // Gives `rounds` mutations to `read`, which takes the folder or throws an Error(kBadInput) of one line: within a
  // second of processor time, within the bound. Of those that are taken every tenth goes on to `use`, which throws
  // nothing. Some must be taken and some refused. The worst figures become properties of the test.
  void Survives(int rounds, MemoryBound bound, const std::function<void()>& read,
                const std::function<void()>& use) const;

  // The same with one file's bytes as they are given. Whether it was taken.
  bool SurvivesWith(const std::string& file, const std::string& bytes, MemoryBound bound,
                    const std::function<void()>& read) const;

 private:
  const HostileFile& Choose(uint32_t round) const;
  size_t Bytes() const;  // of the files to break, as they are now
  bool ReadWithin(MemoryBound bound, const std::function<void()>& read) const;

  std::filesystem::path folder_;
  std::vector<HostileFile> files_;
  struct Worst {
    size_t allocation = 0;
    size_t peak = 0;
    double seconds = 0;
  };
  mutable Worst worst_;
};

std::string FileBytes(const std::filesystem::path& path);
void ReplaceFile(const std::filesystem::path& path, const std::string& bytes);

}  // namespace spate
