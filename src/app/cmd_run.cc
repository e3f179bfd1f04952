// spate run: one prompt, streamed, with its speed and how close that is to this machine's limit.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <mutex>
#include <optional>

#include "app/cli.h"
#include "app/interrupt.h"
#include "app/model_flags.h"
#include "app/print_config.h"
#include "app/sampling_flags.h"
#include "base/error.h"
#include "base/mmap_file.h"
#include "engine/decode_bytes.h"
#include "engine/engine.h"
#include "term/terminal.h"

namespace spate {
namespace {

constexpr size_t kMaxPromptBytes = size_t{256} << 20;
constexpr double kBandwidthSeconds = 0.2;

struct RunFlags {
  ModelFlags model;
  SamplingFlags sampling;
  std::string file, ids;
  std::optional<std::string> prompt;  // may be given and empty: a text from nothing
  bool json = false, echo = false, quiet = false, print_config = false;
  const CLI::App* command = nullptr;
  int max_batch_tokens = 512;
  int context = 0;
};

// Prints text as it arrives and keeps everything for the report. Push runs on the engine's thread.
class ConsoleSink : public Sink {
 public:
  explicit ConsoleSink(bool print) : print_(print) {}

  void Push(Delta delta) override {
    if (print_ && !delta.text.empty()) {
      std::fwrite(delta.text.data(), 1, delta.text.size(), stdout);
      std::fflush(stdout);
    }
    const std::lock_guard lock(mutex_);
    text_ += delta.text;
    tokens_.insert(tokens_.end(), delta.tokens.begin(), delta.tokens.end());
    if (delta.finish) {
      last_ = std::move(delta);
      changed_.notify_all();
    }
  }

  // Waits for the end; asks `aborted` twenty times a second whether to stop, and calls `abort` once if so.
  template <typename Aborted, typename Abort>
  Delta Wait(Aborted aborted, Abort abort) {
    std::unique_lock lock(mutex_);
    bool asked = false;
    while (!changed_.wait_for(lock, std::chrono::milliseconds(50), [&] { return last_.finish.has_value(); })) {
      if (asked || !aborted()) continue;
      asked = true;
      lock.unlock();
      abort();
      lock.lock();
    }
    return last_;
  }

  const std::string& text() const { return text_; }
  const std::vector<SampleResult>& tokens() const { return tokens_; }

 private:
  const bool print_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  std::vector<SampleResult> tokens_;
  Delta last_;
};

std::vector<int32_t> PromptIds(const RunFlags& flags, const Model& model) {
  if (!flags.ids.empty()) return ParseIds(flags.ids);
  if (!flags.prompt && flags.file.empty())
    throw Error(ErrorCode::kUsage, "run: give a prompt with -p TEXT, -f FILE (- = standard input) or --ids 1,2,3");
  if (model.tokenizer == nullptr)
    throw Error(ErrorCode::kUsage, "run: this model has no tokenizer; give the prompt as --ids 1,2,3");
  if (flags.prompt) return model.tokenizer->Encode(*flags.prompt);
  if (flags.file == "-") return model.tokenizer->Encode(std::string(std::istreambuf_iterator<char>(std::cin), {}));
  return model.tokenizer->Encode(ReadTextFile(flags.file, kMaxPromptBytes));
}

nlohmann::json LogprobsJson(const Model& model, const std::vector<SampleResult>& tokens) {
  const auto text = [&](int32_t id) {
    return model.tokenizer ? std::string(model.tokenizer->TokenText(id)) : std::string();
  };
  nlohmann::json list = nlohmann::json::array();
  for (const SampleResult& token : tokens) {
    nlohmann::json top = nlohmann::json::array();
    for (int i = 0; i < token.top_count; ++i) {
      top.push_back({{"id", token.top_ids[i]}, {"token", text(token.top_ids[i])}, {"logprob", token.top_logprobs[i]}});
    }
    list.push_back(
        {{"id", token.token}, {"token", text(token.token)}, {"logprob", token.logprob}, {"top", std::move(top)}});
  }
  return list;
}

int Run(const RunFlags& flags) {
  if (flags.print_config) {
    PrintConfig(*flags.command, flags.model.path(), flags.sampling.Settings(flags.model.path()), flags.json);
    return 0;
  }
  flags.model.CheckFiles(!flags.quiet);  // before generation_config.json is believed
  const SamplingParams params = flags.sampling.Params(flags.model.path());
  std::unique_ptr<Model> opened = flags.model.Open(!flags.quiet);
  std::vector<int32_t> ids = PromptIds(flags, *opened);
  const bool with_logprobs = params.top_logprobs >= 0;
  Engine engine(std::move(opened),
                {.max_batch_tokens = flags.max_batch_tokens, .max_sequences = 1, .context = flags.context});
  const Model& model = engine.model();

  const bool has_text = model.tokenizer != nullptr;
  const bool print = !flags.json && has_text;
  if (print && (flags.echo || IsTerminal(stdout))) {
    fmt::print("{}", Dim(model.tokenizer->Decode(ids, true), stdout));
    std::fflush(stdout);
  }
  const auto sink = std::make_shared<ConsoleSink>(print);
  const InterruptGuard interrupt;
  engine.Submit({.id = "run", .prompt = ids, .params = params}, sink);
  const Delta last = sink->Wait([&] { return interrupt.interrupted(); }, [&] { engine.Abort("run"); });
  if (print) {
    fmt::print("\n");
    std::fflush(stdout);  // before what stderr says of it, where both go to one file
  }
  if (last.finish == FinishReason::kError) throw Error(ErrorCode::kEnvironment, "run: {}", last.error);

  const RequestTimings& t = last.timings;
  const double prefill_rate = t.prefill > 0 ? t.prompt_tokens / t.prefill : 0;
  const double decode_rate = t.decode > 0 && t.output_tokens > 1 ? (t.output_tokens - 1) / t.decode : 0;
  const double bytes = DecodeBytesPerToken(model, t);
  const double gb_s = bytes * decode_rate / 1e9;
  const double peak = flags.quiet && !flags.json ? 0 : model.device->MeasureReadBandwidth(kBandwidthSeconds);
  std::vector<int32_t> output;
  for (const SampleResult& token : sink->tokens()) output.push_back(token.token);
  if (flags.json) {
    nlohmann::json report = {{"model", flags.model.path().string()},
                             {"prompt_ids", ids},
                             {"output_ids", output},
                             {"text", sink->text()},
                             {"finish_reason", Name(*last.finish)},
                             {"seed", last.seed},
                             {"timings",
                              {{"load_s", model.load_seconds},
                               {"queued_s", t.queued},
                               {"prefill_s", t.prefill},
                               {"decode_s", t.decode},
                               {"prompt_tokens", t.prompt_tokens},
                               {"output_tokens", t.output_tokens},
                               {"prefill_tok_s", prefill_rate},
                               {"decode_tok_s", decode_rate}}},
                             {"bytes_per_token", bytes},
                             {"gb_s", gb_s},
                             {"peak_gb_s", peak},
                             {"share_of_ceiling", peak > 0 ? gb_s / peak : 0}};
    if (with_logprobs) report["logprobs"] = LogprobsJson(model, sink->tokens());
    fmt::print("{}\n", report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  } else if (!has_text) {
    fmt::print("{}\n", fmt::join(output, ","));
  }
  if (!flags.quiet && !flags.json) {
    fmt::print(stderr, "{}\n",
               Dim(fmt::format(
                       "prefill {} tokens at {:.1f} tok/s; decode {} tokens at {:.1f} tok/s, {:.1f} GB/s = {:.0f} % of "
                       "the {:.1f} GB/s this machine reads; {}; seed {}",
                       t.prompt_tokens, prefill_rate, t.output_tokens, decode_rate, gb_s,
                       peak > 0 ? 100 * gb_s / peak : 0, peak, Name(*last.finish), last.seed),
                   stderr));
    if (peak > 0 && bytes < 32e6)
      fmt::print(stderr, "{}\n",
                 Dim("(weights this small stay in the processor's cache, so memory does not limit them)", stderr));
  }
  return interrupt.interrupted() ? static_cast<int>(ErrorCode::kInterrupted) : 0;
}

}  // namespace

void AddRunCommand(Cli& cli) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* command = cli.AddCommand("run", "Continues one prompt, streaming the text.",
                                     "  spate run -p \"Once upon a time\" -n 200\n"
                                     "  spate run -m ./Llama-3.2-1B -f prompt.txt --temperature 0\n"
                                     "  spate run -m ./Llama-3.2-1B --dummy --ids 1,2,3 -n 32 --ignore-eos --json",
                                     [flags] { return Run(*flags); });
  flags->command = command;
  flags->model.AddTo(*command);
  auto* prompt = command->add_option("-p,--prompt", flags->prompt, "text to continue");
  auto* file = command->add_option("-f,--file", flags->file, "file with the text to continue; - = standard input")
                   ->excludes(prompt);
  command->add_option("--ids", flags->ids, "token ids to continue, with commas between")
      ->excludes(prompt)
      ->excludes(file);
  flags->sampling.AddTo(*command);
  command->add_option("--max-batch-tokens", flags->max_batch_tokens, "prompt tokens of one step")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command
      ->add_option("--context", flags->context, "tokens of prompt and output to make room for; 0 = the model's context")
      ->transform(TokenCount())
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  command->add_flag("--echo", flags->echo, "print the prompt too (a terminal shows it anyway)");
  command->add_flag("--json", flags->json, "one JSON object: ids, text, timings, bandwidth");
  AddPrintConfig(*command, flags->print_config);
  command->add_flag("-q,--quiet", flags->quiet, "the text only");
}

}  // namespace spate
