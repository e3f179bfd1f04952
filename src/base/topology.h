// How many threads this process should compute with, and why: affinity mask, cgroup CPU quota (v2 and v1)
// and physical cores, whichever is smallest. Detected once at start and passed on; a plain value.
#pragma once

#include <string>
#include <vector>

#include "base/isa.h"

namespace spate {

struct CpuTopology {
  int affinity = 1;       // logical CPUs in the affinity mask
  double quota = 0;       // cores that the cgroup allows, 0 = no limit
  int physical = 1;       // physical cores with a CPU in the mask; of a hybrid CPU the performance cores
  int numa_nodes = 1;     // with a CPU in the mask
  std::string reason;     // "2 threads: 2 physical cores (4 CPUs in the affinity mask), no CPU quota"
  std::vector<int> cpus;  // one logical CPU per physical core, ascending
  int threads = 1;        // recommended
};

// This process, this machine.
CpuTopology DetectTopology();
// The same from files below `root` (proc/self/cgroup, sys/...) and a given affinity mask. Missing files mean: no
// quota, every CPU a core, one node.
CpuTopology DetectTopology(const std::string& root, const std::vector<int>& affinity_cpus);

// "0-3,8,10-11" -> CPUs, ascending; empty when malformed.
std::vector<int> ParseCpuList(const std::string& text);

}  // namespace spate
