#include "backend/cpu/cpu_linear.h"

#include "base/check.h"

namespace spate::cpu {
namespace {

constexpr DType kFormats[] = {DType::kBF16, DType::kF16,  DType::kF32,  DType::kQ4_0,
                              DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};

int64_t CountRows(const LinearSource& source) {
  int64_t rows = 0;
  for (const MatrixView& part : source.parts) rows += part.rows;
  return rows;
}

}  // namespace

KeepableFormats Keepable() { return {"cpu", kFormats}; }

CpuLinear::CpuLinear(const LinearSource& source, const LinearSpec& spec, const LinearKernels& kernels, ThreadPool& pool)
    : Linear(CountRows(source), source.parts.front().cols, KeptFormats(source, spec, Keepable()).front()),
      gated_(spec.gated) {
  const std::vector<DType> formats = KeptFormats(source, spec, Keepable());
  for (size_t begin = 0, end = 0; begin < formats.size(); begin = end) {
    while (end < formats.size() && formats[end] == formats[begin]) ++end;
    LinearSource segment{.parts = source.parts.subspan(begin, end - begin), .bias = source.bias};
    if (!source.bias.empty()) segment.bias = source.bias.subspan(begin, end - begin);
    segments_.emplace_back(segment, gated_, formats[begin], kernels, pool);
  }
}

int64_t CpuLinear::bytes() const {
  int64_t bytes = 0;
  for (const PackedMatrix& segment : segments_) bytes += segment.bytes();
  return bytes;
}

void CpuLinear::ReadRow(int64_t row, float* out) const {
  CHECK(row >= 0 && row < rows(), "row {} of {}", row, rows());
  size_t at = 0;
  while (row >= segments_[at].rows()) row -= segments_[at++].rows();
  segments_[at].ReadRow(row, out);
}

}  // namespace spate::cpu
