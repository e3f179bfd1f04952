// CpuLinear: a matrix as one or several packed ones below each other, a segment for consecutive parts of one format.
// Immutable; any thread may read it. The Device that packed it must outlive it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/cpu/packed_matrix.h"
#include "backend/kept_formats.h"
#include "backend/linear.h"

namespace spate::cpu {

// What this backend has kernels for.
KeepableFormats Keepable();

class CpuLinear final : public Linear {
 public:
  // Packs with all threads of the pool. Throws Error for a format that cannot be read or kept, and where the packed
  // matrix does not fit into memory.
  CpuLinear(const LinearSource& source, const LinearSpec& spec, const LinearKernels& kernels, ThreadPool& pool);

  int64_t bytes() const override;
  bool gated() const { return gated_; }
  int64_t outputs() const { return gated_ ? rows() / 2 : rows(); }  // columns of an Apply's result
  // Their outputs follow each other in the result; a gated matrix is one.
  std::span<const PackedMatrix> segments() const { return segments_; }

  // Row `row` of the stacked parts as f32.                                out [cols]
  void ReadRow(int64_t row, float* out) const;

 private:
  bool gated_;
  std::vector<PackedMatrix> segments_;
};

}  // namespace spate::cpu
