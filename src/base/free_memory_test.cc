#include "base/free_memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace spate {
namespace {

namespace fs = std::filesystem;

class FakeSystem : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / "spate_free_memory_test";
    fs::remove_all(root_);
  }
  void TearDown() override { fs::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  int64_t Free() { return FreeMemory(root_.string() + "/"); }

  fs::path root_;
};

TEST_F(FakeSystem, WhatTheKernelCallsAvailable) {
  Write("proc/meminfo", "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:    5000 kB\n");
  EXPECT_EQ(Free(), 5000 * 1024);
}

TEST_F(FakeSystem, TheTightestControlGroupCounts) {
  Write("proc/meminfo", "MemAvailable: 5000 kB\n");
  Write("proc/self/cgroup", "0::/a/b\n");
  Write("sys/fs/cgroup/a/b/memory.max", "max\n");
  Write("sys/fs/cgroup/a/b/memory.current", "1000\n");
  EXPECT_EQ(Free(), 5000 * 1024);
  Write("sys/fs/cgroup/a/memory.max", "100000\n");
  Write("sys/fs/cgroup/a/memory.current", "90000\n");
  EXPECT_EQ(Free(), 10000);
  Write("sys/fs/cgroup/a/memory.stat", "anon 50000\nfile 40000\n");
  EXPECT_EQ(Free(), 50000) << "its page cache is free";
  Write("sys/fs/cgroup/memory.max", "70000\n");
  Write("sys/fs/cgroup/memory.current", "80000\n");
  EXPECT_EQ(Free(), 0);
}

TEST_F(FakeSystem, VersionOne) {
  Write("proc/meminfo", "MemAvailable: 5000 kB\n");
  Write("proc/self/cgroup", "12:cpu:/x\n7:memory:/docker/x\n");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "300000\n");
  Write("sys/fs/cgroup/memory/memory.usage_in_bytes", "200000\n");
  EXPECT_EQ(Free(), 100000);
}

TEST_F(FakeSystem, LimitOfTheAddressSpace) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  if (before.rlim_cur != RLIM_INFINITY) GTEST_SKIP() << "this process has a limit already";
  Write("proc/meminfo", "MemAvailable: 4503599627370496 kB\n");  // 2^62 bytes
  Write("proc/self/statm", "1000 500 20 1 0 30 0\n");
  rlimit limit = before;
  limit.rlim_cur = rlim_t{1} << 61;
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  EXPECT_EQ(Free(), (int64_t{1} << 61) - 1000 * sysconf(_SC_PAGESIZE));
  setrlimit(RLIMIT_AS, &before);
  EXPECT_EQ(Free(), int64_t{1} << 62);
}

TEST(FreeMemory, ThisMachineHasSome) { EXPECT_GT(FreeMemory(), 1 << 20); }

}  // namespace
}  // namespace spate
