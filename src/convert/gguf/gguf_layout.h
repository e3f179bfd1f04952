// GgufLayout: which tensors a model has as GGUF, and which rows of its slots each consists of. Names and the order of
// rows come from the table that files are read by (model/dialects.h), turned around. Immutable and thread-safe; the
// spec outlives it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "convert/gguf/gguf_families.h"
#include "convert/gguf/gguf_header.h"
#include "model/find_weights.h"
#include "model/slot.h"
#include "model/spec.h"
#include "model/tensor_rule.h"

namespace spate {

struct GgufPart {
  enum class Kind { kMatrix, kBias, kNorm, kNormBias, kValues };
  Kind kind = Kind::kMatrix;
  Slot slot = Slot::kEmbed;
  int layer = -1;
  size_t source = 0;                 // of the rule
  const TensorRule* rule = nullptr;  // null: kValues
  std::vector<float> values = {};    // of kValues, what no slot holds
  std::string name = {};
  Shape shape = {};           // outermost first
  DType dtype = DType::kF32;  // of the file
  int64_t rows_together = 1;  // runs of so many rows hold the same rows of the slot, in whatever order
};

class GgufLayout {
 public:
  // Matrices are stored in `type`; vectors, routers and tables of positions in F32, and in F16 what does not come in
  // whole blocks.
  GgufLayout(const FoundModel& found, const ModelSpec& spec, const GgufFamily& family, DType type);

  const std::vector<GgufPart>& parts() const { return parts_; }
  // A tensor that holds `values`.
  void AddValues(std::string name, std::vector<float> values);

  // [rows] for each row of a matrix, or value of its bias, the slot's row in canonical order (q|k|v, gate|up).
  std::vector<int64_t> RowsOf(const GgufPart& part) const;

 private:
  const TensorRule& RuleOf(Slot slot, int layer) const;
  void AddMatrix(const FoundSlot& found, Slot slot, int layer);
  void AddVector(const FoundSlot& found, Slot slot, int layer);
  const LayerSpec& Layer(int layer) const;
  DType FormatOf(Slot slot, const Shape& shape) const;

  const ModelSpec& spec_;
  const GgufFamily& family_;
  Dialect dialect_;
  DType type_;
  LayerSpec no_layer_;
  std::vector<GgufPart> parts_;
};

}  // namespace spate
