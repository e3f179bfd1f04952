// spate inspect: what a folder holds and whether it runs here, before anything is loaded.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "app/cli.h"
#include "app/model_flags.h"
#include "base/error.h"
#include "checkpoint/read_tokenizer.h"
#include "model/arch.h"
#include "model/loader.h"
#include "model/model_files.h"
#include "term/table.h"
#include "tokenizer/tokenizer.h"

namespace spate {
namespace {

struct InspectFlags {
  std::string model;
  bool json = false;
  bool known = false;
};

struct TokenizerSummary {
  std::string kind = "none";
  int vocab = 0;
  std::string problem;  // why it cannot be used; empty = fine
};

TokenizerSummary SummarizeTokenizer(const std::filesystem::path& folder) {
  try {
    const Tokenizer tokenizer(ReadTokenizer(folder));
    return {std::string(tokenizer.kind()), tokenizer.vocab_size(), ""};
  } catch (const Error& error) {
    return {"none", 0, error.what()};
  }
}

int ListKnown(bool json) {
  if (json) {
    nlohmann::json list = nlohmann::json::array();
    for (const Arch* arch : AllArchs()) list.push_back({{"name", arch->name}, {"models", arch->models}});
    fmt::print("{}\n", list.dump(2));
    return 0;
  }
  for (const Arch* arch : AllArchs()) fmt::print("{:<36}{}\n", arch->name, arch->models);
  return 0;
}

int Run(const InspectFlags& flags) {
  if (flags.known) return ListKnown(flags.json);
  const std::filesystem::path folder = ModelPath(flags.model);
  const ModelFiles files = OpenModelFiles(folder);
  const auto& checkpoint = files.checkpoint;
  const ModelSpec spec = MakeSpec(files.config);
  CheckWeights(*checkpoint, ArchOf(files.config), files.dialect, spec);
  const TokenizerSummary tokenizer = SummarizeTokenizer(folder);

  std::map<std::string_view, int64_t> formats;  // bytes by format
  for (const std::string_view name : checkpoint->Names()) {
    const TensorView& view = *checkpoint->Find(name);
    formats[Name(view.dtype)] += view.StoredBytes();
  }
  const LayerSpec& layer = spec.layers.front();
  const int64_t kv_token = MakeKvLayout(spec, DType::kBF16).BytesPerToken(0);
  const bool vocabulary_fits = tokenizer.vocab <= spec.vocab;
  std::string verdict = "runs";
  if (!vocabulary_fits) {
    verdict = fmt::format("does not run: the tokenizer has {} ids, the model's embedding {} rows", tokenizer.vocab,
                          spec.vocab);
  } else if (!tokenizer.problem.empty()) {
    verdict = fmt::format("runs with --ids only: {}", tokenizer.problem);
  }
  if (flags.json) {
    nlohmann::json report = {
        {"path", folder.string()},
        {"format", files.format},
        {"architecture", spec.architecture},
        {"parameters", spec.Parameters()},
        {"layers", spec.Layers()},
        {"hidden_size", spec.dim},
        {"ffn_size", layer.ffn.hidden},
        {"heads", layer.attn.heads},
        {"kv_heads", layer.attn.kv_heads},
        {"head_dim", layer.attn.head_dim},
        {"vocab", spec.vocab},
        {"context", spec.context},
        {"tied_embeddings", spec.tied_head},
        {"weight_bytes", checkpoint->bytes()},
        {"formats", formats},
        {"kv_bytes_per_token", kv_token},
        {"tokenizer", {{"kind", tokenizer.kind}, {"vocab", tokenizer.vocab}, {"problem", tokenizer.problem}}},
        {"notes", spec.notes},
        {"verdict", verdict}};
    fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return vocabulary_fits ? 0 : static_cast<int>(ErrorCode::kBadInput);
  }
  std::string bytes;
  for (const auto& [name, count] : formats)
    bytes += fmt::format("{}{} {}", bytes.empty() ? "" : ", ", name, Bytes(static_cast<double>(count)));
  const auto line = [](std::string_view name, const std::string& value) { fmt::print("{:<14}{}\n", name, value); };
  line("architecture", fmt::format("{}, {} parameters", spec.architecture, Grouped(spec.Parameters())));
  line("layers", fmt::format("{} of width {}, FFN {}", spec.Layers(), spec.dim, layer.ffn.hidden));
  line("attention",
       fmt::format("{} heads of {}, {} key/value heads", layer.attn.heads, layer.attn.head_dim, layer.attn.kv_heads));
  line("vocabulary", fmt::format("{}{}", Grouped(spec.vocab), spec.tied_head ? ", embedding and head tied" : ""));
  line("context", fmt::format("{} tokens", Grouped(spec.context)));
  line("weights", fmt::format("{}: {}", files.format, bytes));
  line("KV cache", fmt::format("{} a token in bf16, {} for the whole context", Bytes(static_cast<double>(kv_token)),
                               Bytes(static_cast<double>(kv_token) * spec.context)));
  line("tokenizer", tokenizer.problem.empty() ? fmt::format("{}, {} ids", tokenizer.kind, Grouped(tokenizer.vocab))
                                              : tokenizer.problem);
  for (const std::string& note : spec.notes) line("note", note);
  line("verdict", verdict);
  return vocabulary_fits ? 0 : static_cast<int>(ErrorCode::kBadInput);
}

}  // namespace

void AddInspectCommand(Cli& cli) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* command =
      cli.AddCommand("inspect", "Says what a model folder or file holds and whether it runs, without loading it.",
                     "  spate inspect ./Llama-3.2-1B\n  spate inspect model.gguf --json\n  spate inspect --known",
                     [flags] { return Run(*flags); });
  command->add_option("model,-m,--model", flags->model, "folder or file; without it the demo model");
  command->add_flag("--json", flags->json, "one JSON object");
  command->add_flag("--known", flags->known, "the architectures that this program knows, and models that have them");
  command->add_option_function<std::string>(
      "--config", [](const std::string&) {}, "file of flags, a line each: name = value");
}

}  // namespace spate
