#include "base/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "base/mmap_file.h"

namespace spate {
namespace {

class AtomicFile : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  size_t Files() const {
    const std::filesystem::directory_iterator files(folder_);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("spate-atomic-{}", getpid());
  const std::string path_ = folder_ / "file";
};

TEST_F(AtomicFile, ReplacesAndIsPrivate) {
  WriteFileAtomically(path_, "one");
  WriteFileAtomically(path_, std::string(100'000, 'x'));
  EXPECT_EQ(ReadTextFile(path_, 1 << 20), std::string(100'000, 'x'));
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(Files(), 1u);
}

TEST_F(AtomicFile, AFailureLeavesNothingBehind) {
  std::filesystem::create_directories(folder_ / "file" / "inside");
  EXPECT_THROW(WriteFileAtomically(path_, "one"), Error);
  EXPECT_EQ(Files(), 1u);
  EXPECT_THROW(WriteFileAtomically(folder_ / "absent" / "file", "one"), Error);
}

}  // namespace
}  // namespace spate
