#include "convert/inspect.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "backend/device.h"
#include "base/error.h"
#include "base/free_memory.h"
#include "base/math_util.h"
#include "checkpoint/chat_template_file.h"
#include "checkpoint/quantized/quantization_config.h"
#include "checkpoint/read_tokenizer.h"
#include "convert/sizing_device.h"
#include "convert/unread_checkpoint.h"
#include "engine/open_model.h"
#include "model/arch.h"
#include "model/loader.h"
#include "model/model_files.h"
#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr double kNearlyAll = 0.9;    // of the free memory: beyond, other programs and the page cache are squeezed out
constexpr double kLarger = 1.2;       // times the stored bytes: what a conversion may add unmentioned
constexpr double kWorthSaying = 0.1;  // of all weights

std::string Size(int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  return value < 1e9 ? fmt::format("{:.1f} MB", value * 1e-6) : fmt::format("{:.1f} GB", value * 1e-9);
}

int64_t Elements(const TensorView& view) {
  int64_t elements = 1;
  for (const int64_t d : view.shape) elements *= d;
  return elements;
}

TokenizerSummary SummarizeTokenizer(const fs::path& path) {
  try {
    const Tokenizer tokenizer(ReadTokenizer(path));
    return {std::string(tokenizer.kind()), tokenizer.vocab_size(), ""};
  } catch (const Error& error) {
    return {"none", 0, error.what()};
  }
}

ChatTemplateSummary SummarizeChatTemplate(const fs::path& path) {
  ChatTemplateSummary summary{.status = "none"};
  try {
    const auto file = FindChatTemplate(path, false);
    if (!file) return summary;
    summary.file = file->name;
    const ChatTemplate compiled(file->source, file->name, ReadSpecialTokens(path));
    summary.status = "compiles";
  } catch (const Error& error) {
    summary.status = "does not compile";
    summary.problem = error.what();
  }
  return summary;
}

// How tensors are stored, by name: their number format, or the scheme that packed them.
class StoredFormats {
 public:
  StoredFormats(const Checkpoint& checkpoint, const nlohmann::json& config) {
    if (const auto quantization = ReadQuantizationConfig(config)) scheme_ = SchemeName(*quantization);
    for (const std::string_view name : checkpoint.Names()) {
      const TensorView& view = *checkpoint.Find(name);
      bytes_[LabelOf(view)] += view.StoredBytes();
      if (view.maker != nullptr) made_[view.maker] = &view;
    }
  }

  const std::map<std::string, int64_t>& bytes() const { return bytes_; }
  std::string LabelOf(const MatrixView& part) const {
    const TensorView* tensor = TensorOf(part);
    return tensor == nullptr ? std::string(Name(part.dtype)) : LabelOf(*tensor);
  }
  int64_t BytesOf(const MatrixView& part) const {
    const TensorView* tensor = TensorOf(part);
    if (tensor == nullptr) return part.rows * RowBytes(part.dtype, part.cols);
    const double share = static_cast<double>(part.rows * part.cols) / static_cast<double>(Elements(*tensor));
    return static_cast<int64_t>(share * static_cast<double>(tensor->StoredBytes()));
  }

 private:
  static std::string SchemeName(const QuantizationConfig& quantization) {
    const std::string method = quantization.text.substr(0, quantization.text.find(','));
    return method == "fp8" ? method : fmt::format("{} {}-bit", method, quantization.bits);
  }
  const TensorView* TensorOf(const MatrixView& part) const {
    const auto at = part.maker == nullptr ? made_.end() : made_.find(part.maker);
    return at == made_.end() ? nullptr : at->second;
  }
  // What is only stored in another order has its own format all the same.
  std::string LabelOf(const TensorView& view) const {
    const int64_t elements = Elements(view);
    const bool packed = view.maker != nullptr && elements > 0 && view.StoredBytes() < RowBytes(view.dtype, elements);
    if (!packed) return std::string(Name(view.dtype));
    if (!scheme_.empty()) return scheme_;
    return fmt::format("{:.1f}-bit", static_cast<double>(view.StoredBytes()) * 8 / static_cast<double>(elements));
  }

  std::string scheme_;  // of a quantized folder
  std::map<std::string, int64_t> bytes_;
  std::map<const RowMaker*, const TensorView*> made_;
};

std::vector<FormatUse> SummarizeFormats(const StoredFormats& stored, std::span<const SizedPart> parts) {
  std::map<std::pair<std::string, DType>, FormatUse> uses;
  for (const SizedPart& part : parts) {
    const std::string label = stored.LabelOf(part.stored);
    FormatUse& use = uses[{label, part.kept}];
    use.stored = label;
    use.kept = std::string(Name(part.kept));
    use.converted = use.stored != use.kept;
    use.weights += part.stored.rows * part.stored.cols;
    use.stored_bytes += stored.BytesOf(part.stored);
    use.kept_bytes += part.bytes;
  }
  std::vector<FormatUse> list;
  for (auto& [key, use] : uses) list.push_back(std::move(use));
  std::stable_sort(list.begin(), list.end(),
                   [](const FormatUse& a, const FormatUse& b) { return a.stored_bytes > b.stored_bytes; });
  return list;
}

void CountKv(const ModelSpec& spec, const InspectOptions& options, MemoryNeed& memory) {
  const KvLayout layout = MakeKvLayout(spec, memory.kv_dtype);
  int64_t block_bytes = 0;
  for (int group = 0; group < layout.groups; ++group) {
    block_bytes += layout.BytesPerBlock(group);
    memory.kv_per_token += layout.BytesPerToken(group);
  }
  memory.concurrency = options.concurrency;
  memory.context = options.context == 0 ? spec.context : options.context;
  const double kv = static_cast<double>(CeilDiv(memory.context, int64_t{kKvBlockTokens})) *
                    static_cast<double>(block_bytes) * memory.concurrency;
  memory.kv = static_cast<int64_t>(std::min(kv, 9e18));
  const int64_t room = std::max<int64_t>(0, memory.free - memory.weights) / memory.concurrency;
  if (block_bytes > 0) {
    memory.fitting_context = std::min<int64_t>(spec.context, room / block_bytes * kKvBlockTokens);
  }
}

void Say(Inspection& result, Inspection::Runs runs, std::string reason) {
  if (runs > result.runs) {
    if (runs == Inspection::Runs::kNo) result.reasons.clear();
    result.runs = runs;
  }
  if (runs == result.runs) result.reasons.push_back(std::move(reason));
}

void Refuse(Inspection& result, ErrorCode code, std::string reason) {
  if (result.exit_code == 0) result.exit_code = static_cast<int>(code);
  Say(result, Inspection::Runs::kNo, std::move(reason));
}

void JudgeMemory(Inspection& result, bool context_given) {
  const MemoryNeed& memory = result.memory;
  using Runs = Inspection::Runs;
  if (memory.weights > memory.free) {
    Refuse(result, ErrorCode::kDoesNotFit,
           fmt::format("the weights take {} of memory and {} are free", Size(memory.weights), Size(memory.free)));
    return;
  }
  const int64_t left = memory.free - memory.weights;
  if (memory.kv <= left) {
    const double share = static_cast<double>(memory.Total()) / static_cast<double>(std::max<int64_t>(memory.free, 1));
    if (share > kNearlyAll) {
      Say(result, Runs::kSlowly, fmt::format("weights and KV cache take {:.0f} % of the free memory", 100 * share));
    }
    return;
  }
  if (memory.kv / memory.concurrency <= left) {
    Say(result, Runs::kSlowly,
        fmt::format("the KV cache of {} sequences takes {} and {} are left: some wait for others", memory.concurrency,
                    Size(memory.kv), Size(left)));
  } else if (!context_given && memory.fitting_context >= kKvBlockTokens) {
    Say(result, Runs::kYes,
        fmt::format("with --context {} at most: the whole context's KV cache takes {} and {} are left",
                    memory.fitting_context, Size(memory.kv), Size(left)));
  } else {
    Refuse(result, ErrorCode::kDoesNotFit,
           fmt::format("the KV cache takes {} and {} are left; a context of {} fits", Size(memory.kv), Size(left),
                       memory.fitting_context));
  }
}

void JudgeSpeed(const DeviceInfo& device, Inspection& result) {
  using Runs = Inspection::Runs;
  if (device.backend == "ref") Say(result, Runs::kSlowly, "backend ref is a definition, not meant to be fast");
  if (device.isa.starts_with("portable")) {
    Say(result, Runs::kSlowly, "this processor has no AVX2: kernels are the portable ones");
  }
  for (const FormatUse& use : result.formats) {
    const auto kept = static_cast<double>(use.kept_bytes), stored = static_cast<double>(use.stored_bytes);
    if (!use.converted || kept < kLarger * stored) continue;
    if (kept < kWorthSaying * static_cast<double>(result.memory.weights)) continue;
    Say(result, Runs::kSlowly,
        fmt::format("{} becomes {}, so a token reads {:.1f} times the bytes", use.stored, use.kept, kept / stored));
  }
}

void Judge(const InspectOptions& options, const DeviceInfo& device, Inspection& result) {
  const ModelSpec& spec = result.spec;
  const bool context_given = options.context > 0;
  if (result.tokenizer.vocab > spec.vocab) {
    Refuse(result, ErrorCode::kBadInput,
           fmt::format("the tokenizer has {} ids, the model's embedding {} rows", result.tokenizer.vocab, spec.vocab));
  }
  if (result.memory.context > spec.context) {
    Refuse(result, ErrorCode::kDoesNotFit, fmt::format("the model was made for {} positions", spec.context));
  } else {
    JudgeMemory(result, context_given);
  }
  JudgeSpeed(device, result);
  if (!result.tokenizer.problem.empty()) {
    Say(result, Inspection::Runs::kYes, fmt::format("with --ids only: {}", result.tokenizer.problem));
  }
}

}  // namespace

std::string Inspection::Verdict() const {
  const std::string why = fmt::format("{}", fmt::join(reasons, "; "));
  switch (runs) {
    case Runs::kYes:
      return why.empty() ? "runs" : "runs " + why;
    case Runs::kSlowly:
      return "runs, slowly, because " + why;
    case Runs::kNo:
      break;
  }
  return "does not run, because " + why;
}

Inspection Inspect(const fs::path& path, const InspectOptions& options) {
  const ModelFiles files = OpenModelFiles(path);
  const Arch& arch = ArchOf(files.config);
  const StoredFormats stored(*files.checkpoint, files.config);
  const std::unique_ptr<Device> device = MakeDevice(options.backend, {.threads = 1});

  Inspection result;
  result.path = path.string();
  result.format = files.format;
  result.backend = fmt::format("{}, {}", device->info().backend, device->info().isa);
  result.spec = MakeSpec(files.config);
  result.weight_bytes = files.checkpoint->bytes();
  result.stored.assign(stored.bytes().begin(), stored.bytes().end());

  MemoryNeed& memory = result.memory;
  memory.dtype = ChooseFormat(options.dtype, files.config, files.checkpoint.get(), *device);
  memory.kv_dtype = options.kv_dtype.value_or(memory.dtype == DType::kF32 ? DType::kF32 : DType::kBF16);
  memory.free = options.free_memory >= 0 ? options.free_memory : FreeMemory();
  SizingDevice sizing(*device);
  const UnreadCheckpoint unread(*files.checkpoint);
  const Weights weights = LoadWeights(unread, arch, files.dialect, result.spec, sizing,
                                      {.format = memory.dtype, .own_bits = !options.dtype, .progress = {}});
  result.formats = SummarizeFormats(stored, sizing.parts());
  memory.weights = sizing.bytes();
  memory.per_output = weights.BytesPerToken(result.spec);
  CountKv(result.spec, options, memory);

  result.tokenizer = SummarizeTokenizer(path);
  result.chat = SummarizeChatTemplate(path);
  Judge(options, device->info(), result);
  return result;
}

}  // namespace spate
