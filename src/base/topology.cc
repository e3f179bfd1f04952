#include "base/topology.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

#include "base/check.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxCpus = 1 << 16;

std::optional<std::string> ReadLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) return std::nullopt;
  return line;
}

std::optional<int64_t> ParseNumber(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Cores from "how much of which period"; 0 = no limit.
double Cores(std::optional<int64_t> quota, std::optional<int64_t> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return 0;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

double CoresV2(const fs::path& directory) {
  const std::optional<std::string> line = ReadLine(directory / "cpu.max");  // "150000 100000" or "max 100000"
  if (!line) return 0;
  const size_t space = line->find(' ');
  if (space == std::string::npos) return 0;
  const std::string_view text(*line);
  return Cores(ParseNumber(text.substr(0, space)), ParseNumber(text.substr(space + 1)));
}

double CoresV1(const fs::path& directory) {
  const auto number = [&](const char* name) {
    const std::optional<std::string> line = ReadLine(directory / name);
    return line ? ParseNumber(*line) : std::nullopt;
  };
  return Cores(number("cpu.cfs_quota_us"), number("cpu.cfs_period_us"));
}

// The tightest limit on the way from the process's own group up to the mount. Groups that a container cannot see are
// skipped: its own limit then sits at the mount itself.
template <typename ReadCores>
double TightestLimit(const fs::path& mount, std::string_view group, ReadCores read_cores) {
  fs::path relative;
  for (const fs::path& part : fs::path(group).relative_path()) {
    if (part == "..") break;  // a group outside of this cgroup namespace
    relative /= part;
  }
  double tightest = 0;
  while (true) {
    const double cores = read_cores(mount / relative);
    if (cores > 0 && (tightest == 0 || cores < tightest)) tightest = cores;
    if (relative.empty()) return tightest;
    relative = relative.parent_path();
  }
}

bool HasController(std::string_view controllers, std::string_view wanted) {
  while (true) {
    const size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == wanted) return true;
    if (comma == std::string_view::npos) return false;
    controllers.remove_prefix(comma + 1);
  }
}

double DetectQuota(const fs::path& root) {
  const fs::path mount = root / "sys/fs/cgroup";
  double tightest = 0;
  const auto add = [&](double cores) {
    if (cores > 0 && (tightest == 0 || cores < tightest)) tightest = cores;
  };
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // "0::/user.slice" (v2) or "2:cpu,cpuacct:/docker/1f" (v1)
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view text(line);
    const std::string controllers(text.substr(first + 1, second - first - 1));
    const std::string_view group = text.substr(second + 1);
    if (controllers.empty()) {
      add(TightestLimit(mount, group, CoresV2));
      add(TightestLimit(mount / "unified", group, CoresV2));  // v1 and v2 side by side
    } else if (HasController(controllers, "cpu")) {
      add(TightestLimit(mount / "cpu", group, CoresV1));
      if (controllers != "cpu") add(TightestLimit(mount / controllers, group, CoresV1));
    }
  }
  return tightest;
}

std::vector<int> ReadCpuList(const fs::path& path) {
  const std::optional<std::string> line = ReadLine(path);
  return line ? ParseCpuList(*line) : std::vector<int>();
}

bool Contains(const std::vector<int>& sorted, int value) {
  return std::binary_search(sorted.begin(), sorted.end(), value);
}

int CountNodes(const fs::path& root, const std::vector<int>& cpus) {
  int nodes = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(root / "sys/devices/system/node", error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("node") || !ParseNumber(name.substr(4))) continue;
    const std::vector<int> members = ReadCpuList(entry.path() / "cpulist");
    if (std::any_of(cpus.begin(), cpus.end(), [&](int cpu) { return Contains(members, cpu); })) ++nodes;
  }
  return std::max(nodes, 1);
}

// One CPU of the mask for each physical core.
std::vector<int> OneCpuPerCore(const fs::path& root, const std::vector<int>& cpus) {
  std::set<int> taken;
  std::vector<int> chosen;
  for (const int cpu : cpus) {
    if (taken.contains(cpu)) continue;
    chosen.push_back(cpu);
    const std::string topology = fmt::format("sys/devices/system/cpu/cpu{}/topology", cpu);
    std::vector<int> siblings = ReadCpuList(root / topology / "thread_siblings_list");
    if (siblings.empty()) siblings = ReadCpuList(root / topology / "core_cpus_list");
    taken.insert(siblings.begin(), siblings.end());
  }
  return chosen;
}

// A fraction of a core above the whole ones gets a thread of its own when it adds more than a tenth to them: less would
// be lost again to the pauses that a quota makes while the other threads wait at a barrier.
int ThreadsForQuota(double quota) {
  if (quota >= kMaxCpus) return kMaxCpus;
  const double whole = std::floor(quota);
  const int threads = static_cast<int>(whole) + (quota - whole > 0.1 * whole ? 1 : 0);
  return std::max(threads, 1);
}

std::vector<int> AffinityCpus() {
  std::vector<int> cpus;
  for (int count = 1024; count <= kMaxCpus; count *= 2) {  // the kernel's mask may be wider than cpu_set_t
    cpu_set_t* set = CPU_ALLOC(static_cast<size_t>(count));
    CHECK(set != nullptr);
    const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(count));
    const bool done = sched_getaffinity(0, bytes, set) == 0;
    for (int cpu = 0; done && cpu < count; ++cpu) {
      if (CPU_ISSET_S(static_cast<size_t>(cpu), bytes, set)) cpus.push_back(cpu);
    }
    CPU_FREE(set);
    if (done) break;
  }
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

}  // namespace

std::vector<int> ParseCpuList(const std::string& text) {
  std::set<int> cpus;
  std::string_view rest(text);
  while (!rest.empty() && (rest.back() == '\n' || rest.back() == ' ')) rest.remove_suffix(1);
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view range = rest.substr(0, comma);
    const size_t dash = range.find('-');
    const std::optional<int64_t> first = ParseNumber(range.substr(0, dash));
    const std::optional<int64_t> last = dash == std::string_view::npos ? first : ParseNumber(range.substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first || *last >= kMaxCpus) return {};
    for (int64_t cpu = *first; cpu <= *last; ++cpu) cpus.insert(static_cast<int>(cpu));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return {cpus.begin(), cpus.end()};
}

CpuTopology DetectTopology() { return DetectTopology("/", AffinityCpus()); }

CpuTopology DetectTopology(const std::string& root, const std::vector<int>& affinity_cpus) {
  CHECK(!affinity_cpus.empty());
  std::vector<int> cpus = affinity_cpus;
  std::sort(cpus.begin(), cpus.end());

  CpuTopology topology;
  topology.affinity = static_cast<int>(cpus.size());
  topology.quota = DetectQuota(root);
  topology.numa_nodes = CountNodes(root, cpus);

  // Hybrid Intel CPUs list their performance cores. An efficiency core would only be waited for at every barrier.
  const std::vector<int> performance = ReadCpuList(fs::path(root) / "sys/devices/cpu_core/cpus");
  std::vector<int> fast;
  std::copy_if(cpus.begin(), cpus.end(), std::back_inserter(fast), [&](int cpu) { return Contains(performance, cpu); });
  const bool hybrid = !fast.empty() && fast.size() < cpus.size();
  topology.cpus = OneCpuPerCore(root, hybrid ? fast : cpus);
  topology.physical = static_cast<int>(topology.cpus.size());

  const int quota_threads = topology.quota > 0 ? ThreadsForQuota(topology.quota) : topology.physical;
  topology.threads = std::min(topology.physical, quota_threads);
  topology.reason = fmt::format(
      "{} thread{}: {} {}core{} ({} CPU{} in the affinity mask), {}", topology.threads,
      topology.threads == 1 ? "" : "s", topology.physical, hybrid ? "performance " : "physical ",
      topology.physical == 1 ? "" : "s", topology.affinity, topology.affinity == 1 ? "" : "s",
      topology.quota > 0 ? fmt::format("CPU quota {:.4g} cores", topology.quota) : std::string("no CPU quota"));
  return topology;
}

}  // namespace spate
