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
  // second of processor time, no allocation and no sum of them above `most_bytes`. Of those that are taken every tenth
  // goes on to `use`, which throws nothing. Some must be taken and some refused.
  void Survives(int rounds, size_t most_bytes, const std::function<void()>& read,
                const std::function<void()>& use) const;

  // As a size for Survives: the files', and `slack` for what does not grow with them.
  size_t BytesAnd(size_t slack) const;

 private:
  const HostileFile& Choose(uint32_t round) const;
  // Whether it was taken.
  static bool ReadWithin(size_t most_bytes, const std::function<void()>& read);

  std::filesystem::path folder_;
  std::vector<HostileFile> files_;
};

std::string FileBytes(const std::filesystem::path& path);
void ReplaceFile(const std::filesystem::path& path, const std::string& bytes);

}  // namespace spate
