#include "convert/gguf/part_writer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"

namespace spate {
namespace {

// Views that follow each other, as one matrix.
class StackedRows {
 public:
  StackedRows(std::span<const MatrixView> views, bool raw) : views_(views), raw_(raw) {
    for (const MatrixView& view : views) {
      starts_.push_back(rows_);
      rows_ += view.rows;
    }
  }

  // Rows [first, first + count), tight: as they are stored, or as f32.
  void Load(int64_t first, int64_t count, std::byte* out) const noexcept {
    auto at = static_cast<size_t>(std::upper_bound(starts_.begin(), starts_.end(), first) - starts_.begin()) - 1;
    for (; count > 0; ++at) {
      const MatrixView& view = views_[at];
      const int64_t begin = first - starts_[at];
      const int64_t taken = std::min(count, view.rows - begin);
      const LoadedRows loaded = LoadRows(view, begin, taken);
      const int64_t tight = raw_ ? RowBytes(view.dtype, view.cols) : view.cols * 4;
      for (int64_t r = 0; r < taken; ++r, out += tight) {
        if (raw_) {
          std::memcpy(out, loaded.rows.Row(r), static_cast<size_t>(tight));
        } else {
          Unpack(view.dtype, loaded.rows.Row(r), reinterpret_cast<float*>(out), static_cast<size_t>(view.cols));
        }
      }
      first += taken;
      count -= taken;
    }
  }

 private:
  std::span<const MatrixView> views_;
  bool raw_;
  std::vector<int64_t> starts_;
  int64_t rows_ = 0;
};

// The largest magnitude that the format holds: of blocks, the one whose scale is f16's largest number.
float LargestOf(DType dtype) {
  constexpr float kLargestHalf = 65504;
  if (dtype == DType::kF16) return kLargestHalf;
  if (dtype == DType::kQ8_0) return kLargestHalf * 127;
  if (dtype == DType::kQ4_0) return kLargestHalf * 8;
  return std::numeric_limits<float>::max();
}

bool Fits(const float* values, int64_t count, float largest) {
  bool fits = true;
  for (int64_t i = 0; i < count; ++i) fits &= std::fabs(values[i]) <= largest;  // false for NaN
  return fits;
}

// Rows of one turn: about 2 MiB of f32, and whole groups of those that belong together.
int64_t RowsPerTurn(const GgufPart& part, int64_t cols) {
  const int64_t usual = RowsPerRead(cols * 4);
  return (usual + part.rows_together - 1) / part.rows_together * part.rows_together;
}

}  // namespace

PartWriter::PartWriter(OutputFile& file, int threads, int64_t total_bytes, WriteProgress progress)
    : file_(file),
      pool_(threads),
      total_(total_bytes),
      progress_(std::move(progress)),
      scratch_(static_cast<size_t>(threads)) {}

void PartWriter::Report(int64_t bytes) {
  done_ += bytes;
  if (progress_ != nullptr && !progress_(done_, total_)) {
    throw Error(ErrorCode::kInterrupted, "interrupted; nothing was written");
  }
}

void PartWriter::CheckWritten(const GgufPart& part, bool fits, int write_error) const {
  if (!fits) {
    throw Error(ErrorCode::kBadInput, "{}: has NaN, infinite values or values beyond {}, the largest of {}{}",
                part.name, LargestOf(part.dtype), Name(part.dtype),
                part.dtype == DType::kF16 ? "; try --type bf16" : "");
  }
  if (write_error != 0) {
    throw Error(ErrorCode::kEnvironment, "{}: cannot write: {}", file_.path(), std::strerror(write_error));
  }
}

void PartWriter::WriteValues(const GgufPart& part, std::span<const float> values, int64_t offset) {
  const bool fits = Fits(values.data(), static_cast<int64_t>(values.size()), LargestOf(DType::kF32));
  CheckWritten(part, fits, fits ? file_.WriteAt(offset, std::as_bytes(values)) : 0);
  Report(static_cast<int64_t>(values.size_bytes()));
}

void PartWriter::WriteRows(const GgufPart& part, std::span<const MatrixView> source, std::span<const int64_t> rows,
                           int64_t offset) {
  const int64_t cols = part.shape.back();
  const auto own = [&](const MatrixView& view) { return view.dtype == part.dtype; };
  const bool raw = std::ranges::all_of(source, own);  // bits stay as they are
  const StackedRows stacked(source, raw);
  const int64_t out_bytes = RowBytes(part.dtype, cols);
  const int64_t staged_bytes = raw ? out_bytes : cols * 4;
  const int64_t total = static_cast<int64_t>(rows.size());
  const int64_t turn = std::min(RowsPerTurn(part, cols), total);
  for (Scratch& scratch : scratch_) {
    const auto staged = static_cast<size_t>(turn * staged_bytes), packed = static_cast<size_t>(turn * out_bytes);
    if (scratch.staged.size() < staged) scratch.staged = AlignedBuffer(staged);
    if (scratch.packed.size() < packed) scratch.packed = AlignedBuffer(packed);
  }
  const float largest = LargestOf(part.dtype);
  std::atomic<int> write_error{0};
  std::atomic<bool> unfit{false};

  const auto write = [&](int64_t begin, int64_t end, int thread) {
    Scratch& scratch = scratch_[static_cast<size_t>(thread)];
    const auto wanted = rows.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    const auto [least, most] = std::ranges::minmax(wanted);
    const bool together = most - least + 1 == end - begin;  // the same rows, in some order
    if (together) stacked.Load(least, end - begin, scratch.staged.data());
    for (int64_t i = 0; i < end - begin; ++i) {
      const int64_t row = wanted[static_cast<size_t>(i)];
      std::byte* const from = scratch.staged.data() + (together ? row - least : i) * staged_bytes;
      if (!together) stacked.Load(row, 1, from);
      std::byte* const to = scratch.packed.data() + i * out_bytes;
      if (raw) {
        std::memcpy(to, from, static_cast<size_t>(out_bytes));
        continue;
      }
      const auto* const values = reinterpret_cast<const float*>(from);
      if (!Fits(values, cols, largest)) unfit = true;
      Pack(part.dtype, values, to, static_cast<size_t>(cols));
    }
    const std::span<const std::byte> bytes(scratch.packed.data(), static_cast<size_t>((end - begin) * out_bytes));
    if (const int error = file_.WriteAt(offset + begin * out_bytes, bytes); error != 0) write_error = error;
  };
  // Some turns for each thread at a time, so that an interrupt ends this soon.
  const int64_t batch = turn * pool_.threads() * 4;
  for (int64_t begin = 0; begin < total; begin += batch) {
    const int64_t end = std::min(total, begin + batch);
    pool_.ParallelFor(begin, end, turn, write);
    CheckWritten(part, !unfit, write_error);
    Report((end - begin) * out_bytes);
  }
}

std::vector<float> ValuesOf(std::span<const MatrixView> rows) {
  std::vector<float> values;
  for (const MatrixView& view : rows) {
    const LoadedRows loaded = LoadRows(view, 0, view.rows);
    for (int64_t r = 0; r < view.rows; ++r) {
      const size_t at = values.size();
      values.resize(at + static_cast<size_t>(view.cols));
      Unpack(view.dtype, loaded.rows.Row(r), &values[at], static_cast<size_t>(view.cols));
    }
  }
  return values;
}

}  // namespace spate
