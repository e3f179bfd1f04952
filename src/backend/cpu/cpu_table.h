// CpuVec and CpuTable: a norm's weight, and embedding rows of their own or out of a packed head. Immutable; any thread.
#pragma once

#include <cstdint>

#include "backend/cpu/cpu_linear.h"
#include "backend/linear.h"
#include "base/aligned_buffer.h"
#include "base/thread_pool.h"

namespace spate::cpu {

class CpuVec final : public Vec {
 public:
  explicit CpuVec(const VecSource& source);

  int64_t size() const { return size_; }
  const float* data() const { return values_.As<float>(); }  // [size], padded with zeros to a multiple of 16
  const float* bias() const { return bias_.size() == 0 ? nullptr : bias_.As<float>(); }  // likewise; null = none

 private:
  int64_t size_;
  AlignedBuffer values_;
  AlignedBuffer bias_;
};

class CpuTable final : public Table {
 public:
  CpuTable(const MatrixView& source, DType format, ThreadPool& pool);
  explicit CpuTable(const CpuLinear& head);  // reads the head's rows: no copy

  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  void ReadRow(int64_t row, float* out) const;  // out [cols]

 private:
  const CpuLinear* head_ = nullptr;
  DType format_;
  int64_t rows_;
  int64_t cols_;
  AlignedBuffer data_;  // [rows, cols] of format_, unless head_
};

}  // namespace spate::cpu
