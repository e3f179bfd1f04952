// Inputs and outputs of the conformance cases: seeded numbers, matrices with sentinels around them, and
// weight matrices as a file would hold them. Everything is host memory, as the Mats of host backends are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backend/ops.h"
#include "tensor/view.h"

namespace spate::conformance {

class Random {
 public:
  explicit Random(uint64_t seed) : seed_(seed) {}
  uint64_t Next();
  int Below(int n) { return static_cast<int>(Next() % static_cast<uint64_t>(n)); }
  // +-[0.25, 1): no element is so small that a fault in it could hide behind a tolerance.
  float Value();
  std::vector<float> Values(size_t count, float scale = 1.0f);

 private:
  uint64_t seed_;
  uint64_t count_ = 0;
};

// Rows of any weight format, plain or in blocks, tight, whose weights are up to about `scale`.
std::vector<std::byte> RandomRows(DType dtype, int rows, int cols, uint64_t seed, float scale = 1.0f);

// A matrix with a stride larger than its columns, in the middle of a buffer at no particular alignment.
// What lies around it, and all of it at first, is one NaN: read by mistake it spoils a result, written by
// mistake it is missed.
class GuardedMat {
 public:
  GuardedMat(int rows, int cols, int gap = 3);

  Mat mat() { return {buffer_.data() + kBefore, rows_, cols_, stride_, DType::kF32}; }
  float& at(int row, int col) { return buffer_[Index(row, col)]; }
  float at(int row, int col) const { return buffer_[Index(row, col)]; }
  void Fill(const std::vector<float>& values);  // [rows, cols]
  std::vector<float> Values() const;            // [rows, cols]
  // Empty, or which sentinel was overwritten.
  std::string Damage(const std::string& name) const;

 private:
  static constexpr size_t kBefore = 21;
  static constexpr size_t kAfter = 40;
  size_t Index(int row, int col) const { return kBefore + static_cast<size_t>(row * stride_ + col); }

  int rows_;
  int cols_;
  int64_t stride_;
  std::vector<float> buffer_;
};

// Rows of `dtype` with a gap between them, at an odd address, as a slice of a mapped file can lie.
class SourceMatrix {
 public:
  SourceMatrix(const std::vector<float>& values, int rows, int cols, DType dtype);
  SourceMatrix(std::span<const std::byte> tight, int rows, int cols, DType dtype);  // rows that have that type already
  MatrixView view() const;
  void Scribble();  // after packing nobody may look here again

 private:
  int rows_;
  int cols_;
  DType dtype_;
  int64_t row_bytes_;
  std::vector<std::byte> bytes_;
};

}  // namespace spate::conformance
