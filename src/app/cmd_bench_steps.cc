// spate bench: speed with its ceiling.
#include <fmt/format.h>

#include <chrono>
#include <ctime>

#include "app/cli.h"
#include "app/interrupt.h"
#include "app/model_flags.h"
#include "base/isa.h"
#include "bench/statistics.h"
#include "bench/step_bench.h"
#include "term/table.h"

namespace spate {
namespace {

struct BenchFlags {
  ModelFlags model;
  StepBenchOptions options;
  bool json = false;
};

std::string Now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

// llama-bench's keys first, so that scripts made for it read ours; then our own.
nlohmann::json Report(const BenchFlags& flags, const Model& model, const StepBenchResult& r,
                      const std::vector<double>& rates) {
  const bool decode = flags.options.generate > 0;
  std::vector<int64_t> samples_ns;
  std::vector<double> ns;
  for (const double s : r.seconds) {
    ns.push_back(s * 1e9);
    samples_ns.push_back(static_cast<int64_t>(s * 1e9));
  }
  return {{"build_version", SPATE_VERSION},
          {"cpu_info", model.device->info().name},
          {"backends", model.device->info().backend},
          {"isa", model.device->info().isa},
          {"model_filename", flags.model.path().string()},
          {"model_type", fmt::format("{} {}", model.spec.architecture, Name(model.dtype))},
          {"model_size", model.weights.BytesPerToken(model.spec)},
          {"model_n_params", model.spec.Parameters()},
          {"n_batch", flags.options.batch_tokens},
          {"n_threads", model.device->info().threads},
          {"type_k", Name(model.kv_dtype)},
          {"type_v", Name(model.kv_dtype)},
          {"n_prompt", flags.options.prompt},
          {"n_gen", flags.options.generate},
          {"n_depth", flags.options.depth},
          {"test_time", Now()},
          {"avg_ns", Mean(ns)},
          {"stddev_ns", StandardDeviation(ns)},
          {"avg_ts", Mean(rates)},
          {"stddev_ts", StandardDeviation(rates)},
          {"samples_ns", samples_ns},
          {"samples_ts", rates},
          {"median_ts", Median(rates)},
          {"bytes_per_token", r.bytes_per_token},
          {"gb_s", decode ? r.gb_s : 0},
          {"peak_gb_s", r.peak_gb_s},
          {"flop_per_token", r.flop_per_token},
          {"gflop_s", r.gflop_s},
          {"peak_gflop_s", r.peak_gflop_s},
          {"share_of_ceiling", r.share_of_ceiling},
          {"load_s", model.load_seconds},
          {"logits_hash", r.logits_hash}};
}

int Run(const BenchFlags& flags) {
  const std::unique_ptr<Model> model = flags.model.Open(true);
  const InterruptGuard interrupt;
  const StepBenchResult result = RunStepBench(*model, flags.options, [&] { return interrupt.interrupted(); });
  const bool decode = flags.options.generate > 0;
  std::vector<double> rates;
  for (const double s : result.seconds) rates.push_back((flags.options.generate + flags.options.prompt) / s);
  if (flags.json) {
    fmt::print("{}\n", nlohmann::json::array({Report(flags, *model, result, rates)}).dump(2));
  } else {
    fmt::print("{}, {} threads, {}\n{}\n", model->device->info().name, model->device->info().threads,
               model->device->info().isa,
               FormatTable({{"test", "tok/s", "+-", decode ? "GB/s" : "GFLOP/s", "machine", "of ceiling", "logits"},
                            {fmt::format("{} {}{}", decode ? "decode" : "prefill",
                                         decode ? flags.options.generate : flags.options.prompt,
                                         flags.options.depth > 0 ? fmt::format(" at {}", flags.options.depth) : ""),
                             fmt::format("{:.1f}", Median(rates)), fmt::format("{:.1f}", StandardDeviation(rates)),
                             fmt::format("{:.1f}", decode ? result.gb_s : result.gflop_s),
                             fmt::format("{:.1f}", decode ? result.peak_gb_s : result.peak_gflop_s),
                             fmt::format("{:.0f} %", 100 * result.share_of_ceiling), result.logits_hash}},
                           true));
    fmt::print("median of {} rounds; machine measured before and after each of them\n", result.seconds.size());
  }
  return interrupt.interrupted() ? 130 : 0;
}

void AddStepBench(Cli& cli, CLI::App& parent, bool decode) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command = parent.add_subcommand(decode ? "decode" : "prefill",
                                            decode ? "Tokens a second of one stream." : "Prompt tokens a second.");
  command->final_callback([&cli, flags] { cli.action = [flags] { return Run(*flags); }; });
  flags->model.AddTo(*command);
  if (decode) {
    flags->options.generate = 128;
    command->add_option("-n,--tokens", flags->options.generate, "tokens to decode")
        ->check(CLI::Range(1, 1 << 24))
        ->capture_default_str();
  } else {
    flags->options.prompt = 512;
    command->add_option("-p,--tokens", flags->options.prompt, "tokens to prefill")
        ->check(CLI::Range(1, 1 << 24))
        ->capture_default_str();
  }
  command->add_option("-d,--depth", flags->options.depth, "tokens in the cache before")
      ->check(CLI::Range(0, 1 << 24))
      ->capture_default_str();
  command->add_option("-r,--rounds", flags->options.rounds, "measured rounds")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("-b,--batch-tokens", flags->options.batch_tokens, "prompt tokens of one step")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "a list of objects with llama-bench's keys and ours");
}

}  // namespace

void AddBenchCommand(Cli& cli) {
  CLI::App* command = cli.app.add_subcommand("bench", "Measures speed and prints the machine's limit beside it.");
  command->footer(
      "Examples:\n"
      "  spate bench decode -m ./Llama-3.2-1B -n 64\n"
      "  spate bench prefill -m ./Llama-3.2-1B -p 512 -r 10 --json\n"
      "  spate bench decode -m ./Llama-3.2-1B --dummy --threads 2 -d 2048");
  command->require_subcommand(0, 1);
  AddStepBench(cli, *command, true);
  AddStepBench(cli, *command, false);
}

}  // namespace spate
