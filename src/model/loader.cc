#include "model/loader.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/error.h"

namespace spate {
namespace {

constexpr size_t kMaxListed = 12;  // names in a message

std::string Expand(std::string_view source, int layer, std::string_view suffix) {
  std::string name(source);
  if (const size_t at = name.find("{l}"); at != std::string::npos) name.replace(at, 3, std::to_string(layer));
  return name.append(suffix);
}

std::string Join(const std::vector<std::string>& items) {
  std::string joined;
  for (size_t i = 0; i < std::min(items.size(), kMaxListed); ++i) joined += (i ? ", " : "") + items[i];
  if (items.size() > kMaxListed) joined += fmt::format(" and {} more", items.size() - kMaxListed);
  return joined;
}

// Everything of one slot of one layer, found and checked.
struct Found {
  std::vector<const TensorView*> weights;  // in rule order
  std::vector<const TensorView*> biases;   // empty, or one per weight
};

// Finds a model's tensors by its table and collects everything that is wrong, to report it at once.
class Finder {
 public:
  Finder(const Checkpoint& checkpoint, const Arch& arch, const ModelSpec& spec)
      : checkpoint_(checkpoint), arch_(arch), spec_(spec) {}

  Found Find(Slot slot, int layer) {
    const auto rule =
        std::find_if(arch_.tensors.begin(), arch_.tensors.end(), [&](const TensorRule& r) { return r.slot == slot; });
    CHECK(rule != arch_.tensors.end(), "{} has no rule for {}", arch_.name, Traits(slot).name);
    const LayerSpec& layer_spec = spec_.layers[static_cast<size_t>(std::max(layer, 0))];
    const SlotShape shape = ExpectedShape(slot, spec_, layer_spec);
    Found found;
    for (size_t part = 0; part < static_cast<size_t>(shape.parts); ++part) {
      const std::string_view source = rule->sources[part];
      const bool vector = !Traits(slot).matrix;
      const Shape want = vector ? Shape{shape.cols} : Shape{shape.rows[part], shape.cols};
      if (const TensorView* view = Take(Expand(source, layer, ".weight"), want, /*required=*/true)) {
        found.weights.push_back(view);
      }
      if (vector) continue;
      if (const TensorView* view = Take(Expand(source, layer, ".bias"), {shape.rows[part]}, /*required=*/false)) {
        found.biases.push_back(view);
      }
    }
    if (!found.biases.empty() && found.biases.size() != static_cast<size_t>(shape.parts)) {
      wrong_.push_back(fmt::format("{} of layer {}: only {} of {} parts have a bias", Traits(slot).name, layer,
                                   found.biases.size(), shape.parts));
    }
    return found;
  }

  // Throws when anything was missing or wrong.
  void Verify() const {
    if (!missing_.empty()) {
      throw Error(ErrorCode::kBadInput, "{} tensor{} of {} missing: {}{}", missing_.size(),
                  missing_.size() == 1 ? "" : "s", arch_.name, Join(missing_), Leftovers());
    }
    if (!wrong_.empty()) throw Error(ErrorCode::kBadInput, "{}", Join(wrong_));
  }

  // Tensors that no rule names, ignoring layers that --num-layers leaves out and buffers that old exports contain.
  std::vector<std::string> Unused() const {
    std::vector<std::string> unused;
    for (const std::string_view name : checkpoint_.Names()) {
      if (taken_.contains(name) || name.ends_with("rotary_emb.inv_freq") || OfSkippedLayer(name)) continue;
      if (spec_.tied_head && name == "lm_head.weight") continue;  // a second copy that some exports write
      unused.emplace_back(name);
    }
    return unused;
  }

 private:
  const TensorView* Take(std::string name, const Shape& want, bool required) {
    const TensorView* view = checkpoint_.Find(name);
    if (view == nullptr) {
      if (required) missing_.push_back(std::move(name));
      return nullptr;
    }
    taken_.insert(name);
    if (view->shape != want) {
      wrong_.push_back(fmt::format("tensor \"{}\" has shape {}, config.json asks for {}", name, ToString(view->shape),
                                   ToString(want)));
    } else if (!IsWeightFormat(view->dtype)) {
      wrong_.push_back(
          fmt::format("tensor \"{}\" is {}; weights are expected as f32, f16, bf16 or f64", name, Name(view->dtype)));
    }
    return view;
  }

  bool OfSkippedLayer(std::string_view name) const {
    for (const TensorRule& rule : arch_.tensors) {
      const size_t at = rule.sources[0].find("{l}");
      if (at == std::string_view::npos || !name.starts_with(rule.sources[0].substr(0, at))) continue;
      int layer = 0;
      size_t digits = 0;
      for (const char c : name.substr(at)) {
        if (c < '0' || c > '9' || digits == 6) break;
        layer = layer * 10 + (c - '0');
        ++digits;
      }
      return digits > 0 && layer >= spec_.Layers();
    }
    return false;
  }

  std::string Leftovers() const {
    const std::vector<std::string> unused = Unused();
    return unused.empty() ? std::string() : fmt::format("; present but unknown: {}", Join(unused));
  }

  const Checkpoint& checkpoint_;
  const Arch& arch_;
  const ModelSpec& spec_;
  std::set<std::string, std::less<>> taken_;
  std::vector<std::string> missing_;
  std::vector<std::string> wrong_;
};

// Packs found tensors and gives their pages back.
class Packer {
 public:
  Packer(const Checkpoint& checkpoint, Device& device, const LoadOptions& options)
      : checkpoint_(checkpoint), device_(device), options_(options) {}

  std::unique_ptr<Linear> Matrix(const Found& found, bool gated) {
    const std::vector<MatrixView> parts = Views(found.weights);
    const std::vector<MatrixView> bias = Views(found.biases);
    auto linear = device_.PackLinear({.parts = parts, .bias = bias}, {.format = options_.format, .gated = gated});
    Done(found);
    return linear;
  }
  std::unique_ptr<Vec> Vector(const Found& found) {
    auto vec = device_.PackVec(checkpoint_.Stream(*found.weights.front()));
    Done(found);
    return vec;
  }
  std::unique_ptr<Table> Embedding(const Found& found) {
    auto table = device_.PackTable(checkpoint_.Stream(*found.weights.front()), options_.format);
    Done(found);
    return table;
  }

 private:
  std::vector<MatrixView> Views(const std::vector<const TensorView*>& tensors) const {
    std::vector<MatrixView> views;
    for (const TensorView* tensor : tensors) views.push_back(checkpoint_.Stream(*tensor));
    return views;
  }
  void Done(const Found& found) {
    checkpoint_.ThrowIfFailed();
    for (const auto* list : {&found.weights, &found.biases}) {
      for (const TensorView* tensor : *list) {
        checkpoint_.Release(*tensor);
        done_ += tensor->StoredBytes();
      }
    }
    if (options_.progress) options_.progress(done_, checkpoint_.bytes());
  }

  const Checkpoint& checkpoint_;
  Device& device_;
  const LoadOptions& options_;
  int64_t done_ = 0;
};

struct FoundLayer {
  Found attn_norm, qkv, attn_out, ffn_norm, gate_up, down;
};

struct FoundModel {
  Found embed, final_norm, head;  // head is empty when tied
  std::vector<FoundLayer> layers;
};

using Pieces = std::vector<std::span<const std::byte>>;

// Adds what packing reads of `found`: row by row of the stacked parts, or of gate and up side by side; then the biases.
void AddPieces(const Found& found, bool gated, Pieces& pieces) {
  if (found.weights.empty()) return;
  std::vector<MatrixView> parts;
  int64_t rows = 0;  // to walk over: of all parts, or of each
  for (const TensorView* tensor : found.weights) {
    parts.push_back(AsMatrix(*tensor));
    rows = gated ? parts.back().rows : rows + parts.back().rows;
  }
  const int64_t step = RowsPerRead(parts[0].row_bytes);
  for (int64_t row = 0; row < rows; row += step) {
    int64_t before = 0;  // rows of the parts in front
    for (const MatrixView& part : parts) {
      const int64_t begin = std::clamp<int64_t>(row - before, 0, part.rows);
      const int64_t end = std::clamp<int64_t>(row + step - before, 0, part.rows);
      if (begin < end) pieces.emplace_back(part.Row(begin), static_cast<size_t>((end - begin) * part.row_bytes));
      if (!gated) before += part.rows;
    }
  }
  for (const TensorView* bias : found.biases) pieces.push_back(bias->bytes);
}

Pieces PiecesOf(const FoundModel& found) {
  Pieces pieces;
  AddPieces(found.embed, false, pieces);
  for (const FoundLayer& l : found.layers) {
    AddPieces(l.attn_norm, false, pieces);
    AddPieces(l.qkv, false, pieces);
    AddPieces(l.attn_out, false, pieces);
    AddPieces(l.ffn_norm, false, pieces);
    AddPieces(l.gate_up, true, pieces);
    AddPieces(l.down, false, pieces);
  }
  AddPieces(found.final_norm, false, pieces);
  AddPieces(found.head, false, pieces);
  return pieces;
}

// Every tensor of the model, found and checked; throws with everything that is wrong.
FoundModel FindAll(const Checkpoint& checkpoint, const Arch& arch, const ModelSpec& spec) {
  Finder finder(checkpoint, arch, spec);
  FoundModel found;
  found.embed = finder.Find(Slot::kEmbed, -1);
  for (int l = 0; l < spec.Layers(); ++l) {
    found.layers.push_back({finder.Find(Slot::kAttnNorm, l), finder.Find(Slot::kQkv, l), finder.Find(Slot::kAttnOut, l),
                            finder.Find(Slot::kFfnNorm, l), finder.Find(Slot::kGateUp, l),
                            finder.Find(Slot::kDown, l)});
  }
  found.final_norm = finder.Find(Slot::kFinalNorm, -1);
  if (!spec.tied_head) found.head = finder.Find(Slot::kHead, -1);
  finder.Verify();
  if (const std::vector<std::string> unused = finder.Unused(); !unused.empty()) {
    // What the model's arithmetic would silently lack is an error: a bias or a norm that this table does not know.
    throw Error(ErrorCode::kBadInput, "{} tensor{} that {} does not use: {} (a variant this program does not know?)",
                unused.size(), unused.size() == 1 ? "" : "s", arch.name, Join(unused));
  }
  return found;
}

}  // namespace

void CheckWeights(const Checkpoint& checkpoint, const Arch& arch, const ModelSpec& spec) {
  FindAll(checkpoint, arch, spec);
}

Weights LoadWeights(const Checkpoint& checkpoint, const Arch& arch, const ModelSpec& spec, Device& device,
                    const LoadOptions& options) {
  const FoundModel found = FindAll(checkpoint, arch, spec);
  checkpoint.PlanStream(PiecesOf(found));
  Packer packer(checkpoint, device, options);
  Weights weights;
  if (spec.tied_head) {
    weights.head = packer.Matrix(found.embed, false);
    weights.embed = device.TableOf(*weights.head);
  } else {
    weights.embed = packer.Embedding(found.embed);
  }
  for (size_t l = 0; l < found.layers.size(); ++l) {
    const FoundLayer& layer = found.layers[l];
    LayerWeights& w = weights.layers.emplace_back();
    w.attn_norm = packer.Vector(layer.attn_norm);
    w.qkv = packer.Matrix(layer.qkv, false);
    w.attn_out = packer.Matrix(layer.attn_out, false);
    w.ffn_norm = packer.Vector(layer.ffn_norm);
    w.gate_up = packer.Matrix(layer.gate_up, true);
    w.down = packer.Matrix(layer.down, false);
  }
  weights.final_norm = packer.Vector(found.final_norm);
  if (!spec.tied_head) weights.head = packer.Matrix(found.head, false);
  return weights;
}

DType NativeFormat(const Checkpoint& checkpoint, const Device& device) {
  const TensorView* largest = nullptr;
  for (const std::string_view name : checkpoint.Names()) {
    const TensorView* view = checkpoint.Find(name);
    if (view->shape.size() == 2 && (largest == nullptr || view->bytes.size() > largest->bytes.size())) largest = view;
  }
  const std::vector<DType> formats = device.WeightFormats();
  if (largest != nullptr && std::find(formats.begin(), formats.end(), largest->dtype) != formats.end())
    return largest->dtype;
  return largest != nullptr && largest->dtype == DType::kF64 ? DType::kF32 : formats.front();
}

}  // namespace spate
