#include "convert/gguf/gguf_layout.h"

#include <string_view>
#include <utility>

#include "base/check.h"
#include "model/dialects.h"
#include "model/part_views.h"

namespace spate {
namespace {

std::string NameOf(std::string_view source, std::string_view suffix, int layer) {
  std::string name(source);
  if (const size_t at = name.find("{l}"); at != std::string::npos) name.replace(at, 3, std::to_string(layer));
  return name.append(suffix);
}

int Rotated(const ModelSpec& spec, const AttnSpec& attn) {
  if (attn.rope < 0 || spec.ropes.empty()) return 0;
  return 2 * static_cast<int>(spec.ropes[static_cast<size_t>(attn.rope)].inv_freq.size());
}

}  // namespace

GgufLayout::GgufLayout(const FoundModel& found, const ModelSpec& spec, const GgufFamily& family, DType type)
    : spec_(spec), family_(family), type_(type) {
  const GgufDialect own = ArchOf(family).dialect;
  dialect_ = GgufNames(own.adjacent_pairs, own.norms_hold_one);
  const auto add = [&](Slot slot, int layer) {
    if (!Needs(slot, spec, Layer(layer))) return;
    if (Traits(slot).matrix) {
      AddMatrix(found.Get(slot, layer), slot, layer);
    } else {
      AddVector(found.Get(slot, layer), slot, layer);
    }
  };
  for (const Slot slot : {Slot::kEmbed, Slot::kPositions, Slot::kEmbedNorm}) add(slot, -1);
  for (int l = 0; l < spec.Layers(); ++l) {
    for (size_t s = 0; s < static_cast<size_t>(Slot::kCount); ++s) {
      if (Traits(static_cast<Slot>(s)).per_layer) add(static_cast<Slot>(s), l);
    }
  }
  for (const Slot slot : {Slot::kFinalNorm, Slot::kHead}) add(slot, -1);
}

const LayerSpec& GgufLayout::Layer(int layer) const {
  return layer < 0 ? no_layer_ : spec_.layers[static_cast<size_t>(layer)];
}

// Of the alternatives that files may have, the one that is written today.
const TensorRule& GgufLayout::RuleOf(Slot slot, int layer) const {
  const bool mixture = Layer(layer).ffn.experts > 0;
  const bool fused = (slot == Slot::kQkv && family_.fused_qkv) || (slot == Slot::kGateUp && family_.fused_up);
  const SlotShape shape = ExpectedShape(slot, spec_, Layer(layer));
  for (const TensorRule& rule : dialect_.tensors) {
    const std::string_view source = rule.sources[0];
    if (rule.slot != slot || source.find("{e}") != std::string_view::npos || source.ends_with("attn_norm_2")) continue;
    if (source.ends_with("_exps") && !mixture) continue;
    const bool one = rule.sources[1].empty();
    if (one == (fused || shape.parts == 1)) return rule;
  }
  CHECK(false, "no GGUF name for {}", Traits(slot).name);
}

DType GgufLayout::FormatOf(Slot slot, const Shape& shape) const {
  const bool exact = slot == Slot::kRouter || slot == Slot::kSharedGate || slot == Slot::kPositions;
  if (exact || shape.size() == 1) return DType::kF32;
  return shape.back() % Traits(type_).block_elements == 0 ? type_ : DType::kF16;
}

void GgufLayout::AddMatrix(const FoundSlot& found, Slot slot, int layer) {
  const TensorRule& rule = RuleOf(slot, layer);
  const SlotShape shape = ExpectedShape(slot, spec_, Layer(layer));
  const SourceShape sources = ShapeOfSources(rule, shape);
  const bool turned = dialect_.adjacent_pairs && slot == Slot::kQkv;
  for (size_t s = 0; s < sources.sources; ++s) {
    Shape outer;
    if (sources.stacked) outer.push_back(shape.experts);
    outer.push_back(sources.rows[s]);
    GgufPart part{.kind = GgufPart::Kind::kMatrix, .slot = slot, .layer = layer, .source = s, .rule = &rule};
    part.name = NameOf(rule.sources[s], rule.suffix, layer);
    part.shape = outer;
    part.shape.push_back(shape.cols);
    if (part.shape.size() == 2 && part.shape[0] == 1) part.shape = {shape.cols};
    part.dtype = FormatOf(slot, part.shape);
    part.rows_together = turned ? Layer(layer).attn.head_dim : 1;
    parts_.push_back(part);
    if (found.biases.empty()) continue;
    part.kind = GgufPart::Kind::kBias;
    part.name = NameOf(rule.sources[s], rule.bias, layer);
    part.shape = outer;
    part.dtype = DType::kF32;
    parts_.push_back(std::move(part));
  }
}

void GgufLayout::AddVector(const FoundSlot& found, Slot slot, int layer) {
  if (found.weights.empty()) return;  // a norm that only normalizes
  const TensorRule& rule = RuleOf(slot, layer);
  const AttnSpec& attn = Layer(layer).attn;
  const int64_t size = found.weights.front().cols;
  const bool of_heads = (slot == Slot::kQNorm || slot == Slot::kKNorm) && attn.qk_norm == QkNorm::kEachHead;
  GgufPart part{.kind = GgufPart::Kind::kNorm, .slot = slot, .layer = layer, .source = 0, .rule = &rule};
  part.name = NameOf(rule.sources[0], rule.suffix, layer);
  part.shape = of_heads ? Shape{size / attn.head_dim, attn.head_dim} : Shape{size};
  parts_.push_back(part);
  if (found.biases.empty()) return;
  part.kind = GgufPart::Kind::kNormBias;
  part.name = NameOf(rule.sources[0], rule.bias, layer);
  parts_.push_back(std::move(part));
}

void GgufLayout::AddValues(std::string name, std::vector<float> values) {
  GgufPart part{.kind = GgufPart::Kind::kValues};
  part.name = std::move(name);
  part.shape = {static_cast<int64_t>(values.size())};
  part.values = std::move(values);
  parts_.push_back(std::move(part));
}

std::vector<int64_t> GgufLayout::RowsOf(const GgufPart& part) const {
  const AttnSpec& attn = Layer(part.layer).attn;
  const SlotShape shape = ExpectedShape(part.slot, spec_, Layer(part.layer));
  const SourceShape sources = ShapeOfSources(*part.rule, shape);
  const int64_t stacks = sources.stacked ? shape.experts : 1;
  std::vector<int64_t> rows(static_cast<size_t>(stacks * sources.rows[part.source]), -1);
  int64_t canonical = 0;
  for (const RowRun& run : PartRuns(*part.rule, shape, attn, dialect_.adjacent_pairs, Rotated(spec_, attn))) {
    if (run.source == part.source) {
      for (int64_t i = 0; i < run.count; ++i) rows[static_cast<size_t>(run.first + i * run.step)] = canonical + i;
    }
    canonical += run.count;
  }
  return rows;
}

}  // namespace spate
