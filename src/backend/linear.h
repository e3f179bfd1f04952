// Weights as a backend keeps them, packed once at load. Opaque above the backend: a Linear is packed
// bytes, an optional bias and the kernel chosen for this format, device and ISA; a Vec is a norm's
// weight; a Table is the embedding. All are immutable after packing and may be read by any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "backend/op_params.h"
#include "tensor/view.h"

namespace spate {

// What PackLinear receives: parts stacked by rows in canonical order (q|k|v, or gate|up), each with the
// same number of columns, plain formats, possibly different ones.
struct LinearSource {
  std::span<const MatrixView> parts;  // each [rows_i, cols]
  std::span<const MatrixView> bias;   // empty, or one [1, rows_i] per part
};

// What PackVec receives: a norm's weight.
struct VecSource {
  MatrixView weight{};  // [1, n]; rows = 0 stands for n ones
  MatrixView bias{};    // [1, n]; rows = 0: none
  float offset = 0;     // added to the weight: norms that multiply by 1 + w
  int64_t size = 0;     // n, where weight.rows = 0
};

struct LinearSpec {
  // What the weights are kept and multiplied in, of Device::WeightFormats(). A block format only for parts that have it
  // already, unless CanPack writes it.
  DType format = DType::kBF16;
  bool gated = false;     // exactly two parts of equal rows: gate|up, used with Epilogue::kGate
  bool own_bits = false;  // parts whose format the device lists stay in it (of a gated pair both or none), others
                          // become `format`
  int experts = 1;  // a stack of so many matrices of equal shape, in order, for Ops::Experts: all parts of the first,
                    // all parts of the second, ...
};

class Linear {
 public:
  virtual ~Linear() = default;
  Linear(const Linear&) = delete;
  Linear& operator=(const Linear&) = delete;

  int64_t rows() const { return rows_; }    // output features of all parts together
  int64_t cols() const { return cols_; }    // input features
  DType format() const { return format_; }  // of the first part, where parts keep their own
  virtual int64_t bytes() const = 0;        // weight bytes read when the whole matrix is applied once

 protected:
  Linear(int64_t rows, int64_t cols, DType format) : rows_(rows), cols_(cols), format_(format) {}

 private:
  int64_t rows_;
  int64_t cols_;
  DType format_;
};

class Vec {
 public:
  virtual ~Vec() = default;
  Vec(const Vec&) = delete;
  Vec& operator=(const Vec&) = delete;

 protected:
  Vec() = default;
};

// Embedding rows. A tied model has one packed matrix: the Table then reads the head's Linear, which
// must outlive it.
class Table {
 public:
  virtual ~Table() = default;
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

 protected:
  Table() = default;
};

}  // namespace spate
