// spate inspect: what a folder holds and whether it runs here, before anything is loaded.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/cli.h"
#include "app/model_flags.h"
#include "base/error.h"
#include "convert/inspect.h"
#include "model/arch.h"
#include "term/table.h"

namespace spate {
namespace {

using nlohmann::json;

struct InspectFlags {
  std::string model, backend = "cpu", dtype, kv;
  int64_t context = 0;
  int concurrency = 1;
  bool json = false;
  bool known = false;
};

void Print(const json& report) { fmt::print("{}\n", report.dump(2, ' ', false, json::error_handler_t::replace)); }

int ListKnown(bool as_json) {
  if (as_json) {
    json list = json::array();
    for (const Arch* arch : AllArchs()) list.push_back({{"name", arch->name}, {"models", arch->models}});
    Print(list);
    return 0;
  }
  for (const Arch* arch : AllArchs()) fmt::print("{:<36}{}\n", arch->name, arch->models);
  return 0;
}

std::string_view Name(Inspection::Runs runs) {
  return runs == Inspection::Runs::kYes ? "yes" : runs == Inspection::Runs::kSlowly ? "slowly" : "no";
}

json MemoryJson(const MemoryNeed& m) {
  return {{"context", m.context},
          {"concurrency", m.concurrency},
          {"dtype", Name(m.dtype)},
          {"kv_dtype", Name(m.kv_dtype)},
          {"weights", m.weights},
          {"kv", m.kv},
          {"total", m.Total()},
          {"free", m.free},
          {"fitting_context", m.fitting_context},
          {"weights_per_output_token", m.per_output}};
}

void PrintJson(const Inspection& found) {
  const ModelSpec& spec = found.spec;
  const LayerSpec& layer = spec.layers.front();
  json formats = json::object(), kept = json::array();
  for (const auto& [name, bytes] : found.stored) formats[name] = bytes;
  for (const FormatUse& use : found.formats) {
    kept.push_back({{"stored", use.stored},
                    {"kept", use.kept},
                    {"converted", use.converted},
                    {"weights", use.weights},
                    {"stored_bytes", use.stored_bytes},
                    {"memory_bytes", use.kept_bytes}});
  }
  const TokenizerSummary& tokenizer = found.tokenizer;
  const ChatTemplateSummary& chat = found.chat;
  Print({{"path", found.path},
         {"format", found.format},
         {"backend", found.backend},
         {"architecture", spec.architecture},
         {"parameters", spec.Parameters()},
         {"layers", spec.Layers()},
         {"hidden_size", spec.dim},
         {"ffn_size", layer.ffn.hidden},
         {"heads", layer.attn.heads},
         {"kv_heads", layer.attn.kv_heads},
         {"head_dim", layer.attn.head_dim},
         {"experts", layer.ffn.experts},
         {"active_experts", layer.ffn.active},
         {"vocab", spec.vocab},
         {"context", spec.context},
         {"tied_embeddings", spec.tied_head},
         {"weight_bytes", found.weight_bytes},
         {"formats", formats},
         {"kept", kept},
         {"kv_bytes_per_token", found.memory.kv_per_token},
         {"memory", MemoryJson(found.memory)},
         {"tokenizer", {{"kind", tokenizer.kind}, {"vocab", tokenizer.vocab}, {"problem", tokenizer.problem}}},
         {"chat_template", {{"status", chat.status}, {"file", chat.file}, {"problem", chat.problem}}},
         {"notes", spec.notes},
         {"runs", Name(found.runs)},
         {"reasons", found.reasons},
         {"verdict", found.Verdict()}});
}

std::string Shown(int64_t bytes) { return Bytes(static_cast<double>(bytes)); }

void PrintFormats(const std::vector<FormatUse>& formats) {
  std::vector<std::vector<std::string>> rows = {
      {"stored as", "weights", "bytes", "bits", "runs as", "in memory", "cost"}};
  for (const FormatUse& use : formats) {
    const auto stored = static_cast<double>(use.stored_bytes), kept = static_cast<double>(use.kept_bytes);
    rows.push_back({use.stored, Grouped(use.weights), Shown(use.stored_bytes),
                    fmt::format("{:.2f}", 8 * stored / static_cast<double>(std::max<int64_t>(use.weights, 1))),
                    use.converted ? use.kept : "its own bits", Shown(use.kept_bytes),
                    use.converted && stored > 0 ? fmt::format("x {:.2f}", kept / stored) : "-"});
  }
  fmt::print("\n{}\n", FormatTable(rows, true));
}

void PrintText(const Inspection& found) {
  const ModelSpec& spec = found.spec;
  const LayerSpec& layer = spec.layers.front();
  const MemoryNeed& memory = found.memory;
  std::string bytes;
  for (const auto& [name, count] : found.stored)
    bytes += fmt::format("{}{} {}", bytes.empty() ? "" : ", ", name, Shown(count));
  const auto line = [](std::string_view name, const std::string& value) { fmt::print("{:<14}{}\n", name, value); };
  line("architecture", fmt::format("{}, {} parameters", spec.architecture, Grouped(spec.Parameters())));
  line(
      "layers",
      fmt::format("{} of width {}, FFN {}{}", spec.Layers(), spec.dim, layer.ffn.hidden,
                  layer.ffn.experts > 0 ? fmt::format(", {} of {} experts", layer.ffn.active, layer.ffn.experts) : ""));
  line("attention",
       fmt::format("{} heads of {}, {} key/value heads", layer.attn.heads, layer.attn.head_dim, layer.attn.kv_heads));
  line("vocabulary", fmt::format("{}{}", Grouped(spec.vocab), spec.tied_head ? ", embedding and head tied" : ""));
  line("context", fmt::format("{} tokens", Grouped(spec.context)));
  line("weights", fmt::format("{}: {}", found.format, bytes));
  line("tokenizer", found.tokenizer.problem.empty()
                        ? fmt::format("{}, {} ids", found.tokenizer.kind, Grouped(found.tokenizer.vocab))
                        : found.tokenizer.problem);
  const ChatTemplateSummary& chat = found.chat;
  line("chat template", chat.problem.empty() ? chat.file.empty() ? chat.status : chat.status + ", from " + chat.file
                                             : chat.status + ": " + chat.problem);
  for (const std::string& note : spec.notes) line("note", note);
  PrintFormats(found.formats);
  line("backend", found.backend);
  line("weights", fmt::format("{} in memory; {} read for each token of one sequence", Shown(memory.weights),
                              Shown(memory.per_output)));
  line("KV cache", fmt::format("{} a token in {}; {} for {} x {} tokens", Shown(memory.kv_per_token),
                               Name(memory.kv_dtype), Shown(memory.kv), memory.concurrency, Grouped(memory.context)));
  line("memory", fmt::format("{} of {} free", Shown(memory.Total()), Shown(memory.free)));
  line("verdict", found.Verdict());
}

int Run(const InspectFlags& flags) {
  if (flags.known) return ListKnown(flags.json);
  const InspectOptions options{
      .backend = flags.backend,
      .context = flags.context,
      .concurrency = flags.concurrency,
      .dtype = ParseWeightFormat(flags.dtype),
      .kv_dtype = ParseKvFormat(flags.kv),
  };
  try {
    const Inspection found = Inspect(ModelPath(flags.model), options);
    if (flags.json) {
      PrintJson(found);
    } else {
      PrintText(found);
    }
    return found.exit_code;
  } catch (const Error& error) {
    if (flags.json && error.code() == ErrorCode::kBadInput) {
      Print({{"path", flags.model},
             {"runs", "no"},
             {"reasons", {error.what()}},
             {"verdict", fmt::format("does not run, because {}", error.what())}});
    }
    throw;
  }
}

}  // namespace

void AddInspectCommand(Cli& cli) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* command =
      cli.AddCommand("inspect", "Says what a model folder or file holds and whether it runs, without loading it.",
                     "  spate inspect ./Llama-3.2-1B\n  spate inspect model.gguf --context 8k --concurrency 4 --json\n"
                     "  spate inspect --known",
                     [flags] { return Run(*flags); });
  command->add_option("model,-m,--model", flags->model, "folder or file; without it the demo model");
  command->add_option("--context", flags->context, "tokens of prompt and output, such as 8k; 0 = the model's context")
      ->transform(TokenCount())
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  command->add_option("--concurrency", flags->concurrency, "sequences at a time")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--backend", flags->backend, "cpu, or ref: slow, the definition")->capture_default_str();
  command->add_option("--dtype", flags->dtype,
                      "weights as f32, f16 or bf16; f32 means activations and KV too. Default: as stored");
  command->add_option("--kv", flags->kv, "KV cache as f32 or bf16. Default: bf16, or f32 with --dtype f32");
  command->add_flag("--json", flags->json, "one JSON object");
  command->add_flag("--known", flags->known, "the architectures that this program knows, and models that have them");
  command->add_option_function<std::string>(
      "--config", [](const std::string&) {}, "file of flags, a line each: name = value");
}

}  // namespace spate
