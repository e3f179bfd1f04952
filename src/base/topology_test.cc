#include "base/topology.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/error.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

// A folder with the given files, as `root`.
class FakeRoot {
 public:
  explicit FakeRoot(const std::map<std::string, std::string>& files) {
    std::string pattern = (fs::temp_directory_path() / "spate_root_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
    for (const auto& [name, text] : files) {
      fs::create_directories((path_ / name).parent_path());
      std::ofstream(path_ / name) << text;
    }
  }
  ~FakeRoot() { fs::remove_all(path_); }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;

  CpuTopology Detect(const std::vector<int>& cpus) const { return DetectTopology(path_.string(), cpus); }

 private:
  fs::path path_;
};

std::map<std::string, std::string> Cores(const std::vector<std::string>& siblings) {
  std::map<std::string, std::string> files;
  for (const std::string& list : siblings) {
    for (const int cpu : ParseCpuList(list)) {
      files["sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list"] = list + "\n";
    }
  }
  return files;
}

double QuotaOf(std::map<std::string, std::string> files) { return FakeRoot(files).Detect({0}).quota; }

TEST(Topology, CpuLists) {
  EXPECT_EQ(ParseCpuList("0-3,8,10-11\n"), (std::vector<int>{0, 1, 2, 3, 8, 10, 11}));
  EXPECT_EQ(ParseCpuList("5,1"), (std::vector<int>{1, 5}));
  for (const char* bad : {"", "a", "3-1", "1-", "-1", "1,,2", "0-99999999", "1;2"}) {
    EXPECT_TRUE(ParseCpuList(bad).empty()) << bad;
  }
}

TEST(Topology, NothingKnownMeansEveryCpu) {
  const CpuTopology t = FakeRoot({}).Detect({3, 1});
  EXPECT_EQ(t.affinity, 2);
  EXPECT_EQ(t.physical, 2);
  EXPECT_EQ(t.quota, 0);
  EXPECT_EQ(t.numa_nodes, 1);
  EXPECT_EQ(t.threads, 2);
  EXPECT_EQ(t.cpus, (std::vector<int>{1, 3}));
  EXPECT_EQ(t.reason, "2 threads: 2 physical cores (2 CPUs in the affinity mask), no CPU quota");
}

TEST(Topology, HyperThreadsShareACore) {
  const FakeRoot root(Cores({"0,4", "1,5", "2,6", "3,7"}));
  EXPECT_EQ(root.Detect({0, 1, 2, 3, 4, 5, 6, 7}).cpus, (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(root.Detect({1, 5, 6}).cpus, (std::vector<int>{1, 6})) << "a mask of three hyper-threads is two cores";
  EXPECT_EQ(root.Detect({4}).threads, 1);
}

TEST(Topology, HybridUsesPerformanceCores) {
  auto files = Cores({"0-1", "2-3", "4", "5"});
  files["sys/devices/cpu_core/cpus"] = "0-3\n";
  const FakeRoot root(files);
  const CpuTopology t = root.Detect({0, 1, 2, 3, 4, 5});
  EXPECT_EQ(t.cpus, (std::vector<int>{0, 2}));
  EXPECT_EQ(t.reason, "2 threads: 2 performance cores (6 CPUs in the affinity mask), no CPU quota");
  EXPECT_EQ(root.Detect({4, 5}).threads, 2) << "only efficiency cores allowed: use them";
}

TEST(Topology, QuotaV2WalksUp) {
  const std::string group = "proc/self/cgroup";
  EXPECT_EQ(QuotaOf({{group, "0::/a/b\n"}, {"sys/fs/cgroup/a/b/cpu.max", "150000 100000\n"}}), 1.5);
  EXPECT_EQ(QuotaOf({{group, "0::/a/b\n"}, {"sys/fs/cgroup/a/b/cpu.max", "max 100000\n"}}), 0);
  EXPECT_EQ(QuotaOf({{group, "0::/a/b\n"},
                     {"sys/fs/cgroup/a/b/cpu.max", "400000 100000\n"},
                     {"sys/fs/cgroup/a/cpu.max", "200000 100000\n"},
                     {"sys/fs/cgroup/cpu.max", "300000 100000\n"}}),
            2)
      << "the tightest counts";
  EXPECT_EQ(QuotaOf({{group, "0::/\n"}, {"sys/fs/cgroup/cpu.max", "50000 100000\n"}}), 0.5) << "cgroup namespace";
  EXPECT_EQ(QuotaOf({{group, "0::/gone/deep\n"}, {"sys/fs/cgroup/cpu.max", "100000 100000\n"}}), 1) << "host's path";
  EXPECT_EQ(QuotaOf({{group, "0::/../../x\n"}, {"sys/fs/cgroup/cpu.max", "100000 100000\n"}}), 1);
  EXPECT_EQ(QuotaOf({{group, "1:cpu:/x\n0::/y\n"}, {"sys/fs/cgroup/unified/y/cpu.max", "100000 100000\n"}}), 1);
}

TEST(Topology, QuotaV1) {
  const auto v1 = [](const std::string& line, const std::string& folder, const std::string& quota) {
    return QuotaOf({{"proc/self/cgroup", "11:memory:/m\n" + line + "\n"},
                    {"sys/fs/cgroup/" + folder + "/cpu.cfs_quota_us", quota + "\n"},
                    {"sys/fs/cgroup/" + folder + "/cpu.cfs_period_us", "100000\n"}});
  };
  EXPECT_EQ(v1("3:cpu,cpuacct:/docker/1", "cpu,cpuacct/docker/1", "250000"), 2.5);
  EXPECT_EQ(v1("3:cpuacct,cpu:/docker/1", "cpu/docker/1", "250000"), 2.5);
  EXPECT_EQ(v1("3:cpu:/docker/1", "cpu", "250000"), 2.5) << "the container's own mount";
  EXPECT_EQ(v1("3:cpu:/docker/1", "cpu/docker/1", "-1"), 0);
  EXPECT_EQ(v1("3:cpuset:/docker/1", "cpuset/docker/1", "250000"), 0) << "another controller";
}

TEST(Topology, MalformedFilesMeanNoLimit) {
  for (const char* text :
       {"", "x", "100000", "max", "1 0", "-5 100000", "100000 -1", "1e5 100000", "99999999999999999999 1", " 1 2"}) {
    EXPECT_EQ(QuotaOf({{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", text}}), 0) << text;
  }
  for (const char* text : {"", "0", "0:", "::", "no colon", ":::::"}) {
    EXPECT_EQ(QuotaOf({{"proc/self/cgroup", text}}), 0) << text;
  }
}

TEST(Topology, ThreadsAreTheSmallerOfCoresAndQuota) {
  std::vector<int> cpus;
  for (int i = 0; i < 16; ++i) cpus.push_back(i);
  const std::vector<std::pair<std::string, int>> cases = {{"100000", 1}, {"150000", 2},   {"50000", 1},
                                                          {"1000", 1},   {"200000", 2},   {"210000", 2},
                                                          {"250000", 3}, {"1000000", 10}, {"9900000", 16}};
  for (const auto& [quota, threads] : cases) {
    const FakeRoot root({{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", quota + " 100000\n"}});
    EXPECT_EQ(root.Detect(cpus).threads, threads) << quota;
  }
  const FakeRoot root({{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "150000 100000\n"}});
  EXPECT_EQ(root.Detect(cpus).reason,
            "2 threads: 16 physical cores (16 CPUs in the affinity mask), CPU quota 1.5 cores");
}

TEST(Topology, NumaNodesInTheMask) {
  const FakeRoot root({{"sys/devices/system/node/node0/cpulist", "0-3\n"},
                       {"sys/devices/system/node/node1/cpulist", "4-7\n"},
                       {"sys/devices/system/node/node2/cpulist", "\n"},
                       {"sys/devices/system/node/online", "0-2\n"}});
  EXPECT_EQ(root.Detect({0, 1}).numa_nodes, 1);
  EXPECT_EQ(root.Detect({0, 7}).numa_nodes, 2);
}

TEST(Topology, ThisMachineMakesSense) {
  const CpuTopology t = DetectTopology();
  EXPECT_GE(t.affinity, 1);
  EXPECT_GE(t.threads, 1);
  EXPECT_LE(t.threads, t.physical);
  EXPECT_LE(t.physical, t.affinity);
  EXPECT_EQ(static_cast<int>(t.cpus.size()), t.physical);
  EXPECT_GE(t.numa_nodes, 1);
}

}  // namespace
}  // namespace spate
