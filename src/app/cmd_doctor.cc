// spate doctor: what this machine is, what it was measured to reach, and what would make it faster.
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/cli.h"
#include "backend/device.h"
#include "base/error.h"
#include "base/topology.h"
#include "term/table.h"

namespace spate {
namespace {

struct DoctorFlags {
  int threads = 0;
  double seconds = 3;
  bool json = false;
};

struct Memory {
  double total = 0, available = 0;  // bytes
};

Memory ReadMemory() {
  Memory memory;
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  for (double kib = 0; file >> name >> kib && std::getline(file, unit);) {
    if (name == "MemTotal:") memory.total = kib * 1024;
    if (name == "MemAvailable:") memory.available = kib * 1024;
  }
  return memory;
}

// "always [madvise] never" -> "madvise"; "" when the kernel has none.
std::string HugePages() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string text;
  std::getline(file, text);
  const size_t open = text.find('['), close = text.find(']');
  return open == std::string::npos || close == std::string::npos ? "" : text.substr(open + 1, close - open - 1);
}

std::vector<std::string> Advice(const CpuTopology& topology, const CpuFeatures& features, const DeviceInfo& device,
                                const std::string& huge_pages) {
  std::vector<std::string> advice;
  if (huge_pages == "never") {
    advice.push_back(
        "transparent huge pages are off: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled (as root) "
        "saves address translation on large models");
  }
  if (topology.quota > 0 && topology.quota < topology.physical) {
    advice.push_back(
        fmt::format("the cgroup allows {:.1f} of {} cores: raise the CPU quota of this container to use them",
                    topology.quota, topology.physical));
  }
  if (topology.numa_nodes > 1) {
    advice.push_back(
        fmt::format("{} NUMA nodes: run one process per node (numactl --cpunodebind=N --membind=N) for full bandwidth",
                    topology.numa_nodes));
  }
  if (device.threads > topology.physical) {
    advice.push_back(fmt::format("{} threads on {} physical cores: more threads than cores slow each other down",
                                 device.threads, topology.physical));
  }
  if (!features.avx2) advice.push_back("no AVX2: the portable kernels are several times slower");
  if (features.avx512f && !features.avx512_bf16) {
    advice.push_back("AVX-512 without BF16 instructions: prompts are processed at the f32 rate");
  }
  return advice;
}

int Run(const DoctorFlags& flags) {
  const CpuTopology topology = DetectTopology();
  const CpuFeatures features = DetectCpuFeatures();
  const auto device = MakeDevice("cpu", {.threads = flags.threads});
  const DeviceInfo& info = device->info();
  const Memory memory = ReadMemory();
  const std::string huge_pages = HugePages();
  const DevicePeaks peaks = device->MeasurePeaks(flags.seconds);
  const std::vector<std::string> advice = Advice(topology, features, info, huge_pages);
  if (flags.json) {
    const nlohmann::json report = {{"cpu", features.model},
                                   {"isa", info.isa},
                                   {"threads", info.threads},
                                   {"threads_reason", info.threads_reason},
                                   {"physical_cores", topology.physical},
                                   {"affinity", topology.affinity},
                                   {"quota_cores", topology.quota},
                                   {"numa_nodes", topology.numa_nodes},
                                   {"memory_bytes", memory.total},
                                   {"memory_available_bytes", memory.available},
                                   {"huge_pages", huge_pages},
                                   {"read_gb_s", peaks.read_gb_s},
                                   {"f32_gflops", peaks.f32_gflops},
                                   {"bf16_gflops", peaks.bf16_gflops},
                                   {"int8_gops", peaks.int8_gops},
                                   {"gpu", nullptr},
                                   {"advice", advice}};
    fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return 0;
  }
  const auto line = [](std::string_view name, const std::string& value) { fmt::print("{:<14}{}\n", name, value); };
  const auto rate = [](double value, const char* unit) {
    return value > 0 ? fmt::format("{:.0f} {}", value, unit) : "no such instruction";
  };
  line("processor", features.model);
  line("kernels", info.isa);
  line("threads", info.threads_reason);
  line("quota", topology.quota > 0 ? fmt::format("{:.2f} cores", topology.quota) : "none");
  line("NUMA", fmt::format("{} node{}", topology.numa_nodes, topology.numa_nodes == 1 ? "" : "s"));
  line("memory", fmt::format("{}, {} available", Bytes(memory.total), Bytes(memory.available)));
  line("huge pages", huge_pages.empty() ? "not in this kernel" : huge_pages);
  line("GPU", "this build has no GPU backend");
  fmt::print("\nmeasured with {} thread{} in about {:.0f} s\n", info.threads, info.threads == 1 ? "" : "s",
             flags.seconds);
  line("memory read", fmt::format("{:.1f} GB/s", peaks.read_gb_s));
  line("f32", rate(peaks.f32_gflops, "GFLOP/s"));
  line("bf16", rate(peaks.bf16_gflops, "GFLOP/s"));
  line("int8", rate(peaks.int8_gops, "GOP/s"));
  fmt::print("\na model of B bytes can decode at most {:.0f}e9 / B tokens a second here\n", peaks.read_gb_s);
  for (const std::string& text : advice) fmt::print("advice: {}\n", text);
  return 0;
}

}  // namespace

void AddDoctorCommand(Cli& cli) {
  auto flags = std::make_shared<DoctorFlags>();
  CLI::App* command =
      cli.AddCommand("doctor", "Describes and measures this machine, with advice.",
                     "  spate doctor\n  spate doctor --threads 1 --json", [flags] { return Run(*flags); });
  command->add_option("--threads,-t", flags->threads, "threads to measure with; 0 = as many as this process may use")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_option("--seconds", flags->seconds, "time to measure for")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "one JSON object");
  command->add_option_function<std::string>(
      "--config", [](const std::string&) {}, "file of flags, a line each: name = value");
}

}  // namespace spate
