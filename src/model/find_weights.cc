#include "model/find_weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/check.h"
#include "base/error.h"
#include "checkpoint/row_makers.h"
#include "model/part_views.h"

namespace spate {
namespace {

constexpr size_t kMaxListed = 12;  // names in a message
// Of tensors that are missing or wrong; where there are more than the checkpoint has at all, and than this, the config
// is another model's, and no more of its claims are looked into.
constexpr size_t kMaxProblems = 1000;

// All are counted, those that a message lists are kept.
struct Problems {
  std::vector<std::string> listed;
  size_t count = 0;

  bool empty() const { return count == 0; }
  void Add(std::string problem) {
    if (count++ < kMaxListed) listed.push_back(std::move(problem));
  }
};

std::string Expand(std::string name, int layer, int expert, std::string_view suffix) {
  if (const size_t at = name.find("{l}"); at != std::string::npos) name.replace(at, 3, std::to_string(layer));
  if (const size_t at = name.find("{e}"); at != std::string::npos) name.replace(at, 3, std::to_string(expert));
  return name.append(suffix);
}

std::string Joined(const Problems& problems) {
  std::string joined = fmt::format("{}", fmt::join(problems.listed, ", "));
  if (problems.count > kMaxListed) joined += fmt::format(" and {} more", problems.count - kMaxListed);
  return joined;
}

// Rows of all stacked matrices as one matrix.
TensorView AsStack(const TensorView& tensor) {
  TensorView flat = tensor;
  flat.shape = {tensor.shape[0] * tensor.shape[1], tensor.shape[2]};
  return flat;
}

}  // namespace

class WeightFinder {
 public:
  WeightFinder(const Checkpoint& checkpoint, const Arch& arch, const Dialect& dialect, const ModelSpec& spec,
               FoundModel& model)
      : checkpoint_(checkpoint),
        arch_(arch),
        dialect_(dialect),
        rules_(dialect.tensors.empty() ? arch.tensors : dialect.tensors),
        prefix_(dialect.tensors.empty() ? arch.parts.text : std::string_view()),
        spec_(spec),
        model_(model),
        max_problems_(std::max(checkpoint.Names().size(), kMaxProblems)) {
    LeaveOutPrefix();
  }

  void Find(Slot slot, int layer) {
    const LayerSpec none;
    const LayerSpec& layer_spec = layer < 0 ? none : spec_.layers[static_cast<size_t>(layer)];
    if (!Needs(slot, spec_, layer_spec)) return;
    FoundSlot found;
    FindTensors(slot, layer, layer_spec, found);
    if (!missing_.empty() || !wrong_.empty()) return;  // the rest is only checked
    model_.order_.emplace_back(layer, slot);
    model_.slots_.emplace(std::pair(layer, slot), std::move(found));
  }

  // Throws when anything was missing or wrong.
  void Verify() const {
    if (!missing_.empty()) {
      const bool all = missing_.count <= max_problems_;
      throw Error(ErrorCode::kBadInput, "{}{} tensor{} of {} missing: {}{}", all ? "" : "at least ", missing_.count,
                  missing_.count == 1 ? "" : "s", arch_.name, Joined(missing_), Leftovers());
    }
    if (!wrong_.empty()) throw Error(ErrorCode::kBadInput, "{}", Joined(wrong_));
    // What the model's arithmetic would silently lack is an error: a bias or a norm that this table does not know.
    if (const Problems unused = Unused(); !unused.empty()) {
      throw Error(ErrorCode::kBadInput, "{} tensor{} that {} does not use: {} (a variant this program does not know?)",
                  unused.count, unused.count == 1 ? "" : "s", arch_.name, Joined(unused));
    }
  }

 private:
  void FindTensors(Slot slot, int layer, const LayerSpec& layer_spec, FoundSlot& found) {
    if (!Traits(slot).matrix && !spec_.norm_weights) return;
    const SlotShape shape = ExpectedShape(slot, spec_, layer_spec);
    const TensorRule& rule = Choose(slot, shape, layer);
    if (Traits(slot).matrix) {
      FindMatrix(rule, shape, layer, layer_spec.attn, found);
    } else {
      FindVector(rule, shape.cols, layer, layer_spec.attn.head_dim, found);
    }
  }

  // What a rule names, as this checkpoint spells it; "{l}" and "{e}" are still in it.
  std::string SourceName(std::string_view source) const { return std::string(prefix_).append(source); }
  std::string NameOf(std::string_view source, std::string_view suffix, int layer, int expert) const {
    return Expand(SourceName(source), layer, expert, suffix);
  }

  // Where no name of the checkpoint begins with Arch::prefix, neither do those of the rules.
  void LeaveOutPrefix() {
    const std::string_view prefix = arch_.prefix;
    const std::vector<std::string_view> names = checkpoint_.Names();
    const auto has_prefix = [&](std::string_view name) { return name.starts_with(prefix); };
    if (prefix.empty() || std::any_of(names.begin(), names.end(), has_prefix)) return;
    short_rules_.assign(rules_.begin(), rules_.end());
    for (TensorRule& rule : short_rules_) {
      for (std::string_view& source : rule.sources) {
        if (has_prefix(source)) source.remove_prefix(prefix.size());
      }
    }
    rules_ = short_rules_;
  }

  // The rule whose first tensor is there, else the first; of those that could fill the slot at all.
  const TensorRule& Choose(Slot slot, const SlotShape& shape, int layer) const {
    const TensorRule* first = nullptr;
    for (const TensorRule& rule : rules_) {
      if (rule.slot != slot || (Traits(slot).matrix && !Fills(rule, shape))) continue;
      if (first == nullptr) first = &rule;
      if (checkpoint_.Find(NameOf(rule.sources[0], rule.suffix, layer, 0)) != nullptr) return rule;
    }
    CHECK(first != nullptr, "{} has no rule for {}", arch_.name, Traits(slot).name);
    return *first;
  }

  void FindVector(const TensorRule& rule, int64_t size, int layer, int64_t head_dim, FoundSlot& found) {
    if (rule.sources[0].find("{e}") != std::string_view::npos)
      return FindHeadVectors(rule, size, layer, head_dim, found);
    if (const TensorView* view = Take(NameOf(rule.sources[0], rule.suffix, layer, 0), size, true)) {
      found.tensors.push_back(view);
      found.weights.push_back(AsRow(*view));
    }
    if (rule.bias.empty()) return;
    if (const TensorView* view = Take(NameOf(rule.sources[0], rule.bias, layer, 0), size, false)) {
      if (rule.slot == Slot::kQNorm || rule.slot == Slot::kKNorm) {
        wrong_.Add(fmt::format("{} of layer {} has a bias, which no backend adds", Traits(rule.slot).name, layer));
      }
      found.tensors.push_back(view);
      found.biases.push_back(AsRow(*view));
    }
  }

  // One vector out of a tensor for each head.
  void FindHeadVectors(const TensorRule& rule, int64_t size, int layer, int64_t head_dim, FoundSlot& found) {
    for (int64_t head = 0; head < size / head_dim; ++head) {
      const TensorView* view =
          Take(NameOf(rule.sources[0], rule.suffix, layer, static_cast<int>(head)), head_dim, true);
      if (missing_.empty() && wrong_.empty()) found.tensors.push_back(view);
    }
    if (!missing_.empty() || !wrong_.empty()) return;
    std::vector<float>& values = model_.values_.emplace_back(static_cast<size_t>(size));
    float* to = values.data();
    for (const TensorView* view : found.tensors) {
      const LoadedRows loaded = LoadRows(AsRow(*view), 0, 1);
      Unpack(loaded.rows.dtype, loaded.rows.data, to, static_cast<size_t>(head_dim));
      to += head_dim;
    }
    found.weights.push_back(RowOf(values));
  }

  void FindMatrix(const TensorRule& rule, const SlotShape& shape, int layer, const AttnSpec& attn, FoundSlot& found) {
    const SourceShape sources = ShapeOfSources(rule, shape);
    std::vector<const TensorView*> weights;
    std::vector<const TensorView*> biases;
    for (int e = 0; e < (sources.stacked ? 1 : shape.experts); ++e) {
      for (size_t s = 0; s < sources.sources; ++s) {
        Shape want{sources.rows[s], shape.cols};
        if (rule.transposed) std::swap(want[0], want[1]);
        if (sources.stacked) want.insert(want.begin(), shape.experts);
        weights.push_back(Take(NameOf(rule.sources[s], rule.suffix, layer, e), want, true));
        biases.push_back(nullptr);
        if (rule.bias.empty()) continue;
        Shape want_bias{sources.rows[s]};
        if (sources.stacked) want_bias.insert(want_bias.begin(), shape.experts);
        biases.back() = Take(NameOf(rule.sources[s], rule.bias, layer, e), want_bias, false);
      }
    }
    const auto biased = biases.size() - static_cast<size_t>(std::count(biases.begin(), biases.end(), nullptr));
    if (biased != 0 && biased != biases.size()) {
      wrong_.Add(fmt::format("{} of layer {}: only {} of {} parts have a bias", Traits(rule.slot).name, layer, biased,
                             biases.size()));
    }
    if (!wrong_.empty() || !missing_.empty()) return;
    const int rotated = attn.rope < 0 || spec_.ropes.empty()
                            ? 0
                            : 2 * static_cast<int>(spec_.ropes[static_cast<size_t>(attn.rope)].inv_freq.size());
    const bool pairs = dialect_.adjacent_pairs;
    for (const RowRun& run : PartRuns(rule, shape, attn, pairs, rotated)) {
      found.weights.push_back(RowsOf(*weights[run.source], run, rule.transposed));
      if (biased != 0) found.biases.push_back(ValuesOf(*biases[run.source], run));
    }
    for (const auto* list : {&weights, &biases}) {
      for (const TensorView* tensor : *list) {
        if (tensor != nullptr) found.tensors.push_back(tensor);
      }
    }
  }

  MatrixView RowsOf(const TensorView& tensor, RowRun run, bool transposed) {
    MatrixView all = checkpoint_.Stream(tensor.shape.size() == 3 ? AsStack(tensor) : tensor);  // [n]: one row
    if (transposed) {
      if (all.maker != nullptr || Traits(all.dtype).block_elements > 1) {
        throw Error(ErrorCode::kBadInput, "tensors of {} are stored transposed, which is read from plain formats only",
                    arch_.name);
      }
      const int64_t element = Traits(all.dtype).block_bytes;
      const int64_t expert = run.first / all.cols;  // whose matrix of the stack a run lies in: each is transposed alone
      const int64_t inputs = tensor.shape[tensor.shape.size() - 2];
      const std::byte* data = all.data + expert * inputs * all.row_bytes;
      run.first -= expert * all.cols;
      all = Made(std::make_unique<StridedRows>(data, all.dtype, inputs, element, all.row_bytes), all.dtype, all.cols,
                 inputs);
    }
    if (run.step == 1) return all.Rows(run.first, run.count);
    if (all.maker != nullptr) {
      const MatrixView from = all.Rows(run.first, all.rows - run.first);
      return Made(std::make_unique<EveryNthRow>(from, run.step), all.dtype, run.count, all.cols);
    }
    MatrixView rows = all.Rows(run.first, run.count);
    rows.row_bytes *= run.step;
    return rows;
  }

  MatrixView Made(std::unique_ptr<RowMaker> maker, DType dtype, int64_t rows, int64_t cols) {
    model_.makers_.push_back(std::move(maker));
    return {.data = nullptr,
            .dtype = dtype,
            .rows = rows,
            .cols = cols,
            .row_bytes = RowBytes(dtype, cols),
            .maker = model_.makers_.back().get()};
  }

  // Elements of a bias.
  MatrixView ValuesOf(const TensorView& tensor, const RowRun& run) {
    MatrixView all = AsRow(tensor);
    const int64_t element = Traits(all.dtype).block_bytes;
    if (run.step == 1 && all.maker == nullptr) {
      all.data += run.first * element;
      all.cols = run.count;
      all.row_bytes = run.count * element;
      return all;
    }
    const LoadedRows loaded = LoadRows(all, 0, 1);
    std::vector<float>& values = model_.values_.emplace_back(static_cast<size_t>(run.count));
    for (int64_t i = 0; i < run.count; ++i) {
      Unpack(all.dtype, loaded.rows.data + (run.first + i * run.step) * element, &values[static_cast<size_t>(i)], 1);
    }
    return RowOf(values);
  }

  static MatrixView RowOf(const std::vector<float>& values) {
    const int64_t count = static_cast<int64_t>(values.size());
    return {.data = reinterpret_cast<const std::byte*>(values.data()),
            .dtype = DType::kF32,
            .rows = 1,
            .cols = count,
            .row_bytes = count * 4};
  }

  static int64_t Elements(const TensorView& tensor) {
    int64_t elements = 1;
    for (const int64_t d : tensor.shape) elements *= d;
    return elements;
  }

  // A vector, or vectors one behind the other, as one row.
  MatrixView AsRow(const TensorView& tensor) const {
    TensorView flat = tensor;
    flat.shape = {Elements(tensor)};
    return checkpoint_.Stream(flat);
  }

  const TensorView* Take(std::string name, int64_t size, bool required) {
    return Take(std::move(name), Shape{size}, required);
  }

  const TensorView* Take(std::string name, const Shape& want, bool required) {
    const TensorView* view = checkpoint_.Find(name);
    if (view == nullptr) {
      if (required) missing_.Add(std::move(name));
      if (missing_.count > max_problems_) Verify();
      return nullptr;
    }
    taken_.insert(name);
    // A norm's weight for each head may be stored as [heads, head_dim], a matrix of one row as [cols].
    const bool vector = want.size() == 1 || (want.size() == 2 && want[0] == 1);
    const bool flat = vector && view->shape.size() <= 2 && Elements(*view) == want.back();
    if (view->shape != want && !flat) {
      wrong_.Add(fmt::format("tensor \"{}\" has shape {}, config.json asks for {}", name, ToString(view->shape),
                             ToString(want)));
    } else if (!IsWeightFormat(view->dtype)) {
      wrong_.Add(
          fmt::format("tensor \"{}\" is {}; weights are expected as f32, f16, bf16 or f64", name, Name(view->dtype)));
    }
    return view;
  }

  // Tensors that no rule names, ignoring layers that --num-layers leaves out and buffers that old exports contain.
  Problems Unused() const {
    Problems unused;
    for (const std::string_view name : checkpoint_.Names()) {
      if (taken_.contains(name) || IsBuffer(name) || OfSkippedLayer(name) || IsTiedHead(name) || OfIgnoredPart(name))
        continue;
      unused.Add(std::string(name));
    }
    return unused;
  }

  static bool IsBuffer(std::string_view name) {
    // The rope_* of GGUF are part of the configuration by now.
    for (const std::string_view end : {"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight",
                                       "rotary_emb.inv_freq", "rotary_pos_emb.inv_freq", "rope.freqs", ".attn.bias",
                                       ".attn.masked_bias", ".attention.bias", ".attention.masked_bias"}) {
      if (name.ends_with(end)) return true;
    }
    return false;
  }

  bool OfIgnoredPart(std::string_view name) const {
    const auto& ignored = arch_.parts.ignored;
    return std::any_of(ignored.begin(), ignored.end(), [&](std::string_view part) { return name.starts_with(part); });
  }

  // A second copy that some exports write.
  bool IsTiedHead(std::string_view name) const {
    if (!spec_.tied_head) return false;
    return std::any_of(rules_.begin(), rules_.end(), [&](const TensorRule& rule) {
      return rule.slot == Slot::kHead && name == NameOf(rule.sources[0], rule.suffix, -1, 0);
    });
  }

  bool OfSkippedLayer(std::string_view name) const {
    for (const TensorRule& rule : rules_) {
      const std::string source = SourceName(rule.sources[0]);
      const size_t at = source.find("{l}");
      if (at == std::string::npos || !name.starts_with(std::string_view(source).substr(0, at))) continue;
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
    const Problems unused = Unused();
    return unused.empty() ? std::string() : fmt::format("; present but unknown: {}", Joined(unused));
  }

  const Checkpoint& checkpoint_;
  const Arch& arch_;
  const Dialect& dialect_;
  std::vector<TensorRule> short_rules_;
  std::span<const TensorRule> rules_;
  std::string_view prefix_;
  const ModelSpec& spec_;
  FoundModel& model_;
  std::set<std::string, std::less<>> taken_;
  const size_t max_problems_;
  Problems missing_;
  Problems wrong_;
};

FoundModel::FoundModel(const Checkpoint& checkpoint, const Arch& arch, const Dialect& dialect, const ModelSpec& spec)
    : spec_(spec) {
  WeightFinder finder(checkpoint, arch, dialect, spec, *this);
  for (const Slot slot : {Slot::kEmbed, Slot::kPositions, Slot::kEmbedNorm}) finder.Find(slot, -1);
  for (int l = 0; l < spec.Layers(); ++l) {
    for (size_t s = 0; s < static_cast<size_t>(Slot::kCount); ++s) {
      if (Traits(static_cast<Slot>(s)).per_layer) finder.Find(static_cast<Slot>(s), l);
    }
  }
  for (const Slot slot : {Slot::kFinalNorm, Slot::kHead}) finder.Find(slot, -1);
  finder.Verify();
}

const FoundSlot& FoundModel::Get(Slot slot, int layer) const { return slots_.at({layer, slot}); }

}  // namespace spate
