#include "base/mmap_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

#include "base/error.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

class MmapFileTest : public testing::Test {
 protected:
  MmapFileTest() {
    std::string pattern = (fs::temp_directory_path() / "spate_mmap_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~MmapFileTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
    return Path(name);
  }

  // Both readers refuse `path` in one line that names it and says `reason`.
  static void ExpectRefused(const std::string& path, const std::string& reason) {
    const std::function<void()> readers[] = {[&] { MmapFile::Open(path); }, [&] { ReadTextFile(path, 1 << 20); }};
    for (const auto& read : readers) {
      const auto before = std::chrono::steady_clock::now();
      try {
        read();
        ADD_FAILURE() << "accepted " << path;
      } catch (const Error& error) {
        const std::string message = error.what();
        EXPECT_EQ(error.code(), ErrorCode::kBadInput);
        EXPECT_NE(message.find(reason), std::string::npos) << message;
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
        EXPECT_TRUE(path.empty() || message.starts_with(path.substr(0, 10))) << message;
      }
      EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
    }
  }

  fs::path folder_;
};

std::string Text(const MmapFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST_F(MmapFileTest, ReadsAndMoves) {
  const std::string path = Write("a", "hello");
  MmapFile a = MmapFile::Open(path);
  EXPECT_EQ(Text(a), "hello");
  EXPECT_EQ(a.path(), path);
  MmapFile b(std::move(a));
  EXPECT_EQ(Text(b), "hello");
  MmapFile c = MmapFile::Open(Write("b", "other"));
  c = std::move(b);
  EXPECT_EQ(Text(c), "hello");
  EXPECT_EQ(c.path(), path);
  EXPECT_EQ(ReadTextFile(path, 5), "hello");
}

TEST_F(MmapFileTest, AdviceChangesNoBytes) {
  std::string text(3 * 4096 + 17, ' ');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
  const MmapFile file = MmapFile::Open(Write("pages", text));
  EXPECT_EQ(Text(file), text);
  file.DropPages(file.bytes().subspan(100, 5000));
  file.DropPages(file.bytes().subspan(4096));
  file.DropPages(file.bytes().subspan(5, 1));
  EXPECT_EQ(Text(file), text);
}

TEST_F(MmapFileTest, DropPagesShrinksTheProcess) {
  const auto resident = [] {  // bytes of files: a sanitizer's shadow of what is read is not among them
    std::ifstream statm("/proc/self/statm");
    int64_t total = 0, all = 0, pages = 0;
    statm >> total >> all >> pages;
    return pages * sysconf(_SC_PAGESIZE);
  };
  const int64_t size = 32 << 20;
  const MmapFile file = MmapFile::Open(Write("large", std::string(static_cast<size_t>(size), 'x')));
  const int64_t before = resident();
  int spaces = 0;
  for (size_t i = 0; i < file.bytes().size(); i += 512) spaces += file.bytes()[i] == std::byte{' '} ? 1 : 0;
  EXPECT_EQ(spaces, 0);
  ASSERT_GE(resident(), before + size / 2);
  file.DropPages(file.bytes());
  EXPECT_LT(resident(), before + size / 2);
}

TEST_F(MmapFileTest, RefusesWhatIsNoReadableFile) {
  ExpectRefused(Path("missing"), "no such file");
  ExpectRefused("", "no such file");
  ExpectRefused(folder_.string(), "got a directory");
  ExpectRefused(Write("empty", ""), "empty");
  ExpectRefused(Write("file", "x") + "/below", "Not a directory");
  ExpectRefused("/dev/null", "got a device");
  ExpectRefused("/dev/zero", "got a device");
  ExpectRefused(Path(std::string("a\0b", 3)), "zero byte");
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  ExpectRefused(Path("fifo"), "got a FIFO");
  fs::create_symlink("loop", folder_ / "loop");
  ExpectRefused(Path("loop"), "cannot open");
  ExpectRefused(folder_.string() + "/" + std::string(300, 'n'), "too long");
  ExpectRefused(folder_.string() + "/new\nline", "new\\nline");

  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, Path("socket").c_str(), sizeof(address.sun_path) - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ExpectRefused(Path("socket"), "cannot open");
  close(fd);
}

TEST_F(MmapFileTest, RefusesWithoutPermission) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const std::string path = Write("secret", "x");
  fs::permissions(path, fs::perms::none);
  ExpectRefused(path, "Permission denied");
}

TEST_F(MmapFileTest, TextHasALimit) {
  const std::string path = Write("t", "123456");
  EXPECT_EQ(ReadTextFile(path, 6), "123456");
  try {
    ReadTextFile(path, 5);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), path + ": the file has 6 bytes, at most 5 are read");
  }
}

int CountZeros(const MmapFile& file) {
  int zeros = 0;
  for (const std::byte b : file.bytes()) zeros += b == std::byte{0} ? 1 : 0;
  return zeros;
}

std::string ChangeOf(const MmapFile& file) {
  try {
    file.ThrowIfChanged();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kEnvironment);
    return error.what();
  }
  return "unchanged";
}

TEST_F(MmapFileTest, WhatIsCutOffReadsAsZerosAndIsTold) {
  const int size = 1'000'001, kept = 100'000;
  const MmapFile other = MmapFile::Open(Write("other", std::string(size, 'y')));
  for (const bool touched_before : {false, true}) {
    const std::string path = Write("cut", std::string(size, 'x'));
    MmapFile moved = MmapFile::Open(path);
    const MmapFile file = std::move(moved);
    const int before = touched_before ? CountZeros(file) : 0;
    EXPECT_EQ(before, 0);
    EXPECT_EQ(ChangeOf(file), "unchanged");
    fs::resize_file(path, kept);
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) threads.emplace_back([&] { EXPECT_EQ(CountZeros(file), size - kept); });
    threads.clear();
    file.DropPages(file.bytes());
    EXPECT_EQ(CountZeros(file), size - kept);
    EXPECT_EQ(ChangeOf(file), path + ": shrank from 1000001 to 100000 bytes while it was read; is it being written?");
    fs::resize_file(path, size);  // long enough again, but what was read is not what is there
    EXPECT_NE(ChangeOf(file), "unchanged");
    fs::remove(path);
  }
  EXPECT_EQ(CountZeros(other), 0);
  EXPECT_EQ(ChangeOf(other), "unchanged");
}

TEST_F(MmapFileTest, ReplacedIsNotChangedButWrittenIs) {
  const std::string path = Write("a", "first");
  const MmapFile file = MmapFile::Open(path);
  fs::rename(Write("b", "another"), path);
  EXPECT_EQ(Text(file), "first");
  EXPECT_EQ(ChangeOf(file), "unchanged");
  const MmapFile second = MmapFile::Open(path);
  const timespec later[2] = {{.tv_sec = 2'000'000'000, .tv_nsec = 0}, {.tv_sec = 2'000'000'000, .tv_nsec = 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), later, 0), 0);
  EXPECT_NE(ChangeOf(second).find("was written while it was read"), std::string::npos) << ChangeOf(second);
}

// Only the mappings of this class are repaired.
TEST_F(MmapFileTest, ABusErrorElsewhereStillEndsTheProcess) {
  const std::string path = Write("raw", std::string(100'000, 'x'));
  const MmapFile other = MmapFile::Open(path);
  const int fd = open(path.c_str(), O_RDONLY);
  const auto* raw = static_cast<const char*>(mmap(nullptr, 100'000, PROT_READ, MAP_PRIVATE, fd, 0));
  close(fd);
  fs::resize_file(path, 10);
  EXPECT_DEATH(std::exit(raw[50'000]), "");
}

TEST_F(MmapFileTest, RangesOutsideAreBugs) {
  const MmapFile file = MmapFile::Open(Write("a", "hello"));
  const std::byte other{0};
  EXPECT_EXIT(file.DropPages({&other, 1}), testing::ExitedWithCode(1), "range outside");
}

}  // namespace
}  // namespace spate
