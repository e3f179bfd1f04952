#include "model/loader.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "model/build_weights.h"
#include "model/find_weights.h"

namespace spate {
namespace {

// Matrices whose rows have length 1, as Baichuan 2 wants its head. Of a plain format.
class UnitRows final : public RowMaker {
 public:
  explicit UnitRows(const MatrixView& stored) : stored_(stored) {}

  void Make(int64_t first, int64_t count, std::byte* out) const noexcept override {
    const LoadedRows loaded = LoadRows(stored_, first, count);
    std::vector<float> values(static_cast<size_t>(stored_.cols));
    for (int64_t r = 0; r < count; ++r) {
      Unpack(stored_.dtype, loaded.rows.Row(r), values.data(), values.size());
      double squares = 0;
      for (const float v : values) squares += static_cast<double>(v) * static_cast<double>(v);
      const auto length = static_cast<float>(std::max(std::sqrt(squares), 1e-12));
      for (float& v : values) v /= length;
      Pack(DType::kF32, values.data(), out + r * stored_.cols * 4, values.size());
    }
  }
  MatrixView View() const {
    return {
        .dtype = DType::kF32, .rows = stored_.rows, .cols = stored_.cols, .row_bytes = stored_.cols * 4, .maker = this};
  }

 private:
  MatrixView stored_;
};

// Packs found tensors and gives their pages back.
class Packer {
 public:
  Packer(const FoundModel& found, const Checkpoint& checkpoint, const Dialect& dialect, const ModelSpec& spec,
         Device& device, const LoadOptions& options)
      : found_(found), checkpoint_(checkpoint), dialect_(dialect), spec_(spec), device_(device), options_(options) {}

  std::unique_ptr<Linear> Matrix(Slot slot, int layer) {
    const FoundSlot& found = found_.Get(slot, layer);
    const LayerSpec none;
    const LayerSpec& layer_spec = layer < 0 ? none : spec_.layers[static_cast<size_t>(layer)];
    LinearSpec linear_spec{.format = FormatFor(found.weights),
                           .gated = IsGated(slot, layer_spec),
                           .own_bits = options_.own_bits && !AreComputed(found),
                           .experts = ExpectedShape(slot, spec_, layer_spec).experts};
    if (slot == Slot::kRouter || slot == Slot::kSharedGate) {  // a rounding here can choose another expert
      linear_spec.format = DType::kF32;
      linear_spec.own_bits = false;
    }
    const bool unit = spec_.normalize_head && (slot == Slot::kHead || (slot == Slot::kEmbed && spec_.tied_head));
    std::unique_ptr<Linear> linear;
    if (unit) {
      const UnitRows rows(found.weights.front());
      const MatrixView view = rows.View();
      linear = device_.PackLinear({.parts = {&view, 1}, .bias = found.biases}, linear_spec);
    } else {
      linear = device_.PackLinear({.parts = found.weights, .bias = found.biases}, linear_spec);
    }
    Done(found);
    return linear;
  }
  std::unique_ptr<Vec> Vector(Slot slot, int layer) {
    const FoundSlot& found = found_.Get(slot, layer);
    VecSource source{.offset = dialect_.norms_hold_offset ? 0 : spec_.norm_offset, .size = spec_.dim};
    if (found.weights.empty()) {
      source.offset = 0;
    } else {
      source.weight = found.weights.front();
      if (!found.biases.empty()) source.bias = found.biases.front();
    }
    auto vec = device_.PackVec(source);
    Done(found);
    return vec;
  }
  std::unique_ptr<Table> Rows(Slot slot) {
    const FoundSlot& found = found_.Get(slot, -1);
    const DType own = found.weights.front().dtype;
    const bool keeps = options_.own_bits && Keeps(own);
    auto table = device_.PackTable(found.weights.front(), keeps ? own : FormatFor(found.weights));
    Done(found);
    return table;
  }

 private:
  // Whether f32 rows are made out of fewer bits: f32 is then what they are exact in, not what somebody stored.
  static bool AreComputed(const FoundSlot& found) {
    return std::any_of(found.tensors.begin(), found.tensors.end(), [](const TensorView* tensor) {
      int64_t elements = 1;
      for (const int64_t d : tensor->shape) elements *= d;
      const bool made = tensor->maker != nullptr && tensor->dtype == DType::kF32;
      return made && tensor->StoredBytes() < RowBytes(DType::kF32, elements);
    });
  }

  bool Keeps(DType format) const { return std::find(formats_.begin(), formats_.end(), format) != formats_.end(); }

  // What becomes of those parts that do not keep their format.
  DType FormatFor(std::span<const MatrixView> parts) const {
    const auto in_blocks = [](const MatrixView& part) { return Traits(part.dtype).block_elements > 1; };
    if (!options_.own_bits || !Keeps(DType::kQ8_0) || !std::all_of(parts.begin(), parts.end(), in_blocks)) {
      return options_.format;
    }
    return DType::kQ8_0;
  }

  void Done(const FoundSlot& found) {
    checkpoint_.ThrowIfFailed();
    for (const TensorView* tensor : found.tensors) {
      checkpoint_.Release(*tensor);
      done_ += tensor->StoredBytes();
    }
    if (options_.progress) options_.progress(done_, checkpoint_.bytes());
  }

  const FoundModel& found_;
  const Checkpoint& checkpoint_;
  const Dialect& dialect_;
  const ModelSpec& spec_;
  Device& device_;
  const LoadOptions& options_;
  const std::vector<DType> formats_ = device_.WeightFormats();
  int64_t done_ = 0;
};

}  // namespace

void CheckWeights(const Checkpoint& checkpoint, const Arch& arch, const Dialect& dialect, const ModelSpec& spec) {
  const FoundModel found(checkpoint, arch, dialect, spec);
}

Weights LoadWeights(const Checkpoint& checkpoint, const Arch& arch, const Dialect& dialect, const ModelSpec& spec,
                    Device& device, const LoadOptions& options) {
  const FoundModel found(checkpoint, arch, dialect, spec);
  checkpoint.PlanStream(found.Pieces(), options.read);
  Packer packer(found, checkpoint, dialect, spec, device, options);
  return BuildWeights(spec, device, packer);
}

std::optional<DType> NativeFormat(const Checkpoint& checkpoint, const Device& device) {
  const TensorView* largest = nullptr;
  for (const std::string_view name : checkpoint.Names()) {
    const TensorView* view = checkpoint.Find(name);
    if (view->shape.size() < 2) continue;
    if (largest == nullptr || view->StoredBytes() > largest->StoredBytes()) largest = view;
  }
  if (largest == nullptr || largest->maker != nullptr || Traits(largest->dtype).block_elements > 1) return std::nullopt;
  const std::vector<DType> formats = device.WeightFormats();
  if (std::find(formats.begin(), formats.end(), largest->dtype) != formats.end()) return largest->dtype;
  return largest->dtype == DType::kF64 ? DType::kF32 : formats.front();
}

}  // namespace spate
