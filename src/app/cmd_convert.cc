// spate convert: a model as one GGUF file, tokenizer and chat template in it.
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "app/cli.h"
#include "app/interrupt.h"
#include "app/model_flags.h"
#include "convert/gguf/convert.h"
#include "term/progress.h"
#include "term/table.h"

namespace spate {
namespace {

struct ConvertFlags {
  std::string model;
  std::string output;
  std::string type;
  int threads = 0;
  bool force = false;
  bool no_tokenizer = false;
  bool json = false;
};

void PrintJson(const ConvertFlags& flags, const ConvertReport& report, double seconds) {
  const nlohmann::json object = {{"model", flags.model},
                                 {"output", flags.output},
                                 {"architecture", report.architecture},
                                 {"type", Name(report.type)},
                                 {"tensors", report.tensors},
                                 {"file_bytes", report.file_bytes},
                                 {"source_bytes", report.source_bytes},
                                 {"formats", report.formats},
                                 {"seconds", seconds},
                                 {"gb_s", static_cast<double>(report.file_bytes) / seconds / 1e9},
                                 {"notes", report.notes}};
  fmt::print("{}\n", object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void PrintText(const ConvertFlags& flags, const ConvertReport& report, double seconds) {
  std::string formats;
  for (const auto& [name, bytes] : report.formats) {
    formats += fmt::format("{}{} {}", formats.empty() ? "" : ", ", name, Bytes(static_cast<double>(bytes)));
  }
  const auto line = [](std::string_view name, const std::string& value) { fmt::print("{:<14}{}\n", name, value); };
  line("written", flags.output);
  line("architecture", fmt::format("{}, {} tensors", report.architecture, Grouped(report.tensors)));
  line("weights", fmt::format("{} (from {})", formats, Bytes(static_cast<double>(report.source_bytes))));
  line("time",
       fmt::format("{:.1f} s, {:.2f} GB/s written", seconds, static_cast<double>(report.file_bytes) / seconds / 1e9));
  for (const std::string& note : report.notes) line("note", note);
}

int Run(const ConvertFlags& flags) {
  ConvertOptions options{
      .type = std::nullopt, .replace = flags.force, .tokenizer = !flags.no_tokenizer, .threads = flags.threads};
  if (!flags.type.empty()) options.type = ParseDType(flags.type);
  const InterruptGuard interrupt;
  ProgressBar bar("converting");
  options.progress = [&](int64_t done, int64_t total) {
    bar.Update(done, total);
    return !interrupt.interrupted();
  };
  const auto start = std::chrono::steady_clock::now();
  const ConvertReport report = ConvertToGguf(ModelPath(flags.model), flags.output, options);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  flags.json ? PrintJson(flags, report, seconds) : PrintText(flags, report, seconds);
  return 0;
}

}  // namespace

void AddConvertCommand(Cli& cli) {
  auto flags = std::make_shared<ConvertFlags>();
  CLI::App* command = cli.AddCommand(
      "convert", "Writes a model, with its tokenizer and chat template, as one GGUF file.",
      "  spate convert ./Llama-3.2-1B -o llama.gguf\n  spate convert ./Mistral-7B-v0.3 -o mistral.gguf --type q8_0",
      [flags] { return Run(*flags); });
  std::vector<std::string> types;
  for (const DType type : kConvertTypes) types.emplace_back(Name(type));
  command->add_option("model,-m,--model", flags->model, "folder or file, of any format that this program reads")
      ->required();
  command->add_option("-o,--output", flags->output, "the file to write; nothing is there until it is complete")
      ->required();
  command->add_option("--type", flags->type, "f32, f16, bf16, q8_0 or q4_0; without it the embedding's, or f16")
      ->check(CLI::IsMember(types));
  command->add_option("--threads,-t", flags->threads, "0: as many as fit")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_flag("--force", flags->force, "replaces the output if it is there");
  command->add_flag("--no-tokenizer", flags->no_tokenizer, "weights alone");
  command->add_flag("--json", flags->json, "one JSON object");
  command->add_option_function<std::string>(
      "--config", [](const std::string&) {}, "file of flags, a line each: name = value");
}

}  // namespace spate
