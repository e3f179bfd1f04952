// Measures what this machine reaches with all threads of a pool: the ceilings that every speed is reported against.
#pragma once

#include "backend/cpu/peak_kernels.h"
#include "base/thread_pool.h"

namespace spate::cpu {

// Linear read of a buffer many times larger than the caches, best sample within `seconds`. GB/s, 1 GB = 1e9 bytes.
double MeasureReadGbS(const PeakKernels& kernels, ThreadPool& pool, double seconds);

// The best of short runs of a register-only loop on all threads within `seconds`; 1e9 operations per second. 0 when
// `kernel` is null.
double MeasureGops(double (*kernel)(int64_t rounds, float* sink), ThreadPool& pool, double seconds);

}  // namespace spate::cpu
