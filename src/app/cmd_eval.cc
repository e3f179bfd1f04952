// spate eval: logits of given tokens, and the perplexity of a text.
#include <fmt/format.h>

#include <cstdio>

#include "app/cli.h"
#include "app/interrupt.h"
#include "app/model_flags.h"
#include "base/error.h"
#include "base/mmap_file.h"
#include "base/npy.h"
#include "bench/perplexity.h"
#include "engine/score.h"
#include "term/table.h"
#include "term/terminal.h"

namespace spate {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;

struct LogitsFlags {
  ModelFlags model;
  std::string ids, prompt, out;
  int chunk = 0;
  int repeat = 1;
};

struct PerplexityFlags {
  ModelFlags model;
  std::string file;
  int context = 0;
  bool json = false;
};

// "dir/logits.npy" -> "dir/logits.3.npy"
std::string Numbered(const std::string& path, int copy) {
  const std::filesystem::path p(path);
  return (p.parent_path() / fmt::format("{}.{}{}", p.stem().string(), copy, p.extension().string())).string();
}

int RunLogits(const LogitsFlags& flags) {
  const std::unique_ptr<Model> model = flags.model.Open(true);
  std::vector<int32_t> ids = ParseIds(flags.ids);
  if (ids.empty() && !flags.prompt.empty()) {
    if (model->tokenizer == nullptr)
      throw Error(ErrorCode::kUsage, "eval logits: this model has no tokenizer; give --ids 1,2,3");
    ids = model->tokenizer->Encode(flags.prompt);
  }
  if (ids.empty()) throw Error(ErrorCode::kUsage, "eval logits: give tokens with --ids 1,2,3 or -p TEXT");
  Scorer scorer(*model, {.max_positions = static_cast<int>(std::min<size_t>(ids.size(), INT32_MAX)),
                         .chunk = flags.chunk,
                         .repeat = flags.repeat});
  const auto vocab = static_cast<size_t>(model->spec.vocab);
  std::vector<std::vector<float>> logits(static_cast<size_t>(flags.repeat), std::vector<float>(ids.size() * vocab));
  scorer.Run(ids, [&](int copy, int position, std::span<const float> row) {
    std::copy(
        row.begin(), row.end(),
        logits[static_cast<size_t>(copy)].begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(position) * vocab));
  });
  const std::vector<int64_t> shape = {static_cast<int64_t>(ids.size()), static_cast<int64_t>(vocab)};
  for (int copy = 0; copy < flags.repeat; ++copy) {
    const std::string path = flags.repeat == 1 ? flags.out : Numbered(flags.out, copy);
    WriteNpy(path, shape, std::span<const float>(logits[static_cast<size_t>(copy)]));
    fmt::print("{}: float32 [{}, {}]\n", path, shape[0], shape[1]);
  }
  return 0;
}

int RunPerplexity(const PerplexityFlags& flags) {
  const std::unique_ptr<Model> model = flags.model.Open(true);
  if (model->tokenizer == nullptr) throw Error(ErrorCode::kBadInput, "eval perplexity: this model has no tokenizer");
  const std::vector<int32_t> ids = model->tokenizer->Encode(ReadTextFile(flags.file, kMaxTextBytes));
  const int context = flags.context > 0 ? flags.context : std::min(model->spec.context, 512);
  const InterruptGuard interrupt;
  const bool show = IsTerminal(stderr);
  const PerplexityResult r = MeasurePerplexity(*model, ids, context, [&](int done, int windows, double perplexity) {
    if (show) fmt::print(stderr, "\rwindow {} of {}, perplexity {:.3f}\033[K", done, windows, perplexity);
    return !interrupt.interrupted();
  });
  if (show) fmt::print(stderr, "\r\033[K");
  const double rate = static_cast<double>(r.processed) / r.seconds;
  if (flags.json) {
    fmt::print("{}\n", nlohmann::json{{"ppl", r.perplexity},
                                      {"stderr", r.standard_error},
                                      {"nll", r.mean_nll},
                                      {"tokens", r.tokens},
                                      {"windows", r.windows},
                                      {"context", context},
                                      {"tok_s", rate},
                                      {"complete", !interrupt.interrupted()}}
                           .dump());
  } else {
    fmt::print("perplexity {:.4f} +- {:.4f} over {} tokens in windows of {}, {:.1f} tok/s\n", r.perplexity,
               r.standard_error, Grouped(r.tokens), context, rate);
  }
  return interrupt.interrupted() ? static_cast<int>(ErrorCode::kInterrupted) : 0;
}

}  // namespace

void AddEvalCommand(Cli& cli) {
  CLI::App* command = cli.app.add_subcommand("eval", "Accuracy: logits of given tokens, perplexity of a text.");
  command->footer(
      "Examples:\n"
      "  spate eval logits --ids 1,2,3 -o logits.npy --backend ref --dtype f32\n"
      "  spate eval logits --ids 1,2,3 -o logits.npy --chunk 5 --repeat 7\n"
      "  spate eval perplexity -m ./Llama-3.2-1B -f book.txt --context 2048");
  command->require_subcommand(0, 1);

  auto logits = std::make_shared<LogitsFlags>();
  CLI::App* sub =
      command->add_subcommand("logits", "Writes the logits behind every token as float32 .npy [tokens, vocabulary].");
  sub->final_callback([&cli, logits] { cli.action = [logits] { return RunLogits(*logits); }; });
  logits->model.AddTo(*sub);
  auto* ids = sub->add_option("--ids", logits->ids, "token ids, with commas between");
  sub->add_option("-p,--prompt", logits->prompt, "text instead of ids")->excludes(ids);
  sub->add_option("-o,--out", logits->out, "file to write")->required();
  sub->add_option("--chunk", logits->chunk, "tokens of a step; 0 = chosen")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  sub->add_option("--repeat", logits->repeat, "copies side by side among other sequences: FILE.0.npy, FILE.1.npy, ...")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();

  auto perplexity = std::make_shared<PerplexityFlags>();
  sub = command->add_subcommand("perplexity", "Perplexity of a text with its standard error.");
  sub->final_callback([&cli, perplexity] { cli.action = [perplexity] { return RunPerplexity(*perplexity); }; });
  perplexity->model.AddTo(*sub);
  sub->add_option("-f,--file", perplexity->file, "text file, UTF-8")->required();
  sub->add_option("--context", perplexity->context, "tokens of a window; 0 = 512 or the model's context")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  sub->add_flag("--json", perplexity->json, "one JSON object");
}

}  // namespace spate
