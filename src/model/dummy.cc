// Seeded random weights, so that a config.json alone can be run and measured.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/thread_pool.h"
#include "base/topology.h"
#include "model/build_weights.h"
#include "model/loader.h"
#include "model/slot.h"

namespace spate {
namespace {

constexpr double kStandardDeviation = 0.02;  // what transformers initialises these families with

// Quantiles of the normal distribution at (i + 1/2) / 65536. Sixteen random bits look a weight up, so a
// billion of them take seconds; bf16 weights could not tell more levels apart anyway.
std::vector<float> NormalQuantiles() {
  std::vector<float> table(65536);
  for (size_t i = 0; i < table.size(); ++i) {
    const double p = (static_cast<double>(i) + 0.5) / static_cast<double>(table.size());
    double x = 0;  // Newton's method on the distribution function; it converges from 0 when steps are bounded
    for (int step = 0; step < 60; ++step) {
      const double error = 0.5 * std::erfc(-x / std::sqrt(2.0)) - p;
      const double slope = std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
      const double move = std::clamp(error / slope, -0.5, 0.5);
      x -= move;
      if (std::abs(move) < 1e-12) break;
    }
    table[i] = static_cast<float>(x * kStandardDeviation);
  }
  return table;
}

class Generator {
 public:
  explicit Generator(uint64_t seed) : seed_(seed), quantiles_(NormalQuantiles()), pool_(DetectTopology().threads) {}

  // Fills `out` with rows x cols weights of `dtype`; a weight depends on seed, stream and its index alone.
  void Fill(uint64_t stream, int64_t rows, int64_t cols, DType dtype, std::byte* out) {
    const int64_t row_bytes = RowBytes(dtype, cols);
    pool_.ParallelFor(0, rows, 16, [&](int64_t begin, int64_t end, int) {
      std::vector<float> row(static_cast<size_t>(cols));
      for (int64_t r = begin; r < end; ++r) {
        FillRow(stream, r, row);
        Pack(dtype, row.data(), out + r * row_bytes, row.size());
      }
    });
  }

 private:
  void FillRow(uint64_t stream, int64_t r, std::vector<float>& row) const {
    const std::array<uint32_t, 2> key{static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)};
    for (size_t c = 0; c < row.size(); c += 8) {
      const std::array<uint32_t, 4> bits = Philox4x32({static_cast<uint32_t>(c / 8), static_cast<uint32_t>(r),
                                                       static_cast<uint32_t>(r >> 32), static_cast<uint32_t>(stream)},
                                                      key);
      for (size_t i = 0; i < std::min<size_t>(8, row.size() - c); ++i) {
        row[c + i] = quantiles_[(bits[i / 2] >> (16 * (i % 2))) & 0xffff];
      }
    }
  }

  uint64_t seed_;
  std::vector<float> quantiles_;
  ThreadPool pool_;
};

// Makes one slot at a time in a buffer that is reused, and hands it to the device.
class DummyPacker {
 public:
  DummyPacker(const ModelSpec& spec, uint64_t seed, Device& device, const LoadOptions& options)
      : spec_(spec), device_(device), options_(options), generator_(seed) {
    if (!CanPack(options.format)) {
      throw Error(ErrorCode::kUsage, "made-up weights cannot be {}, which is read but not written; choose q4_0 or q8_0",
                  Name(options.format));
    }
    total_ =
        RowBytes(options.format, spec.LayerParameters() + int64_t{spec.vocab} * spec.dim * (spec.tied_head ? 1 : 2));
  }

  std::unique_ptr<Linear> Matrix(Slot slot, int layer) {
    const LayerSpec& layer_spec = spec_.layers[static_cast<size_t>(std::max(layer, 0))];
    const std::vector<MatrixView> parts = Make(slot, layer);
    auto linear =
        device_.PackLinear({.parts = parts, .bias = {}}, {.format = options_.format,
                                                          .gated = IsGated(slot, layer_spec),
                                                          .experts = ExpectedShape(slot, spec_, layer_spec).experts});
    Done(parts);
    return linear;
  }
  std::unique_ptr<Table> Rows(Slot slot) {
    const std::vector<MatrixView> parts = Make(slot, -1);
    auto table = device_.PackTable(parts.front(), options_.format);
    Done(parts);
    return table;
  }
  std::unique_ptr<Vec> Vector(Slot slot, int layer) {
    const LayerSpec& layer_spec = spec_.layers[static_cast<size_t>(std::max(layer, 0))];
    return device_.PackVec({.size = ExpectedShape(slot, spec_, layer_spec).cols});
  }

 private:
  std::vector<MatrixView> Make(Slot slot, int layer) {
    const SlotShape shape = ExpectedShape(slot, spec_, spec_.layers[static_cast<size_t>(std::max(layer, 0))]);
    const int64_t rows = shape.Rows() * shape.experts;
    if (shape.cols % Traits(options_.format).block_elements != 0) {
      throw Error(ErrorCode::kUsage, "rows of {} elements cannot be {}, whose blocks have {}; choose f16 or bf16",
                  shape.cols, Name(options_.format), Traits(options_.format).block_elements);
    }
    const int64_t row_bytes = RowBytes(options_.format, shape.cols);
    const size_t bytes = static_cast<size_t>(rows * row_bytes);
    if (buffer_.size() < bytes) buffer_ = AlignedBuffer(bytes);
    std::byte* data = buffer_.data();
    generator_.Fill(static_cast<uint64_t>(slot) + (static_cast<uint64_t>(layer + 1) << 8), rows, shape.cols,
                    options_.format, data);
    std::vector<MatrixView> parts;
    for (int part = 0; part < shape.parts * shape.experts; ++part) {
      const int64_t part_rows = shape.rows[static_cast<size_t>(part % shape.parts)];
      parts.push_back(
          {.data = data, .dtype = options_.format, .rows = part_rows, .cols = shape.cols, .row_bytes = row_bytes});
      data += part_rows * row_bytes;
    }
    return parts;
  }
  void Done(const std::vector<MatrixView>& parts) {
    for (const MatrixView& part : parts) done_ += part.rows * part.row_bytes;
    if (options_.progress) options_.progress(done_, total_);
  }

  const ModelSpec& spec_;
  Device& device_;
  const LoadOptions& options_;
  Generator generator_;
  AlignedBuffer buffer_{64};
  int64_t done_ = 0;
  int64_t total_ = 0;
};

}  // namespace

Weights DummyWeights(const ModelSpec& spec, uint64_t seed, Device& device, const LoadOptions& options) {
  DummyPacker packer(spec, seed, device, options);
  return BuildWeights(spec, device, packer);
}

}  // namespace spate
