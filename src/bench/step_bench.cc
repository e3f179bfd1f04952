#include "bench/step_bench.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "base/error.h"
#include "base/rng.h"
#include "bench/statistics.h"
#include "engine/direct_run.h"

namespace spate {
namespace {

constexpr uint64_t kPromptSeed = 20;  // any; fixed so that hashes can be compared

// A fixed random text, so that hashes of logits can be compared from run to run.
std::vector<int32_t> RandomText(int64_t tokens, int vocab) {
  std::vector<int32_t> ids;
  for (int64_t p = 0; p < tokens; ++p) {
    const float u = UniformAt(kPromptSeed, 0, static_cast<uint64_t>(p), 0);
    ids.push_back(std::min(static_cast<int32_t>(u * static_cast<float>(vocab)), vocab - 1));
  }
  return ids;
}

// What bounds the work: GB/s of reading for decode; for prefill 1e9 operations a second of the instructions that it is
// made of, where the layers' weights are in `format`: blocks are multiplied as int8.
double MeasureCeiling(Device& device, DType format, bool decode, double seconds) {
  if (decode) return device.MeasureReadBandwidth(seconds);
  const DevicePeaks peaks = device.MeasurePeaks(seconds);
  const double fastest = Traits(format).block_elements > 1 ? peaks.int8_gops
                         : format == DType::kBF16          ? peaks.bf16_gflops
                                                           : 0;
  return fastest > 0 ? fastest : peaks.f32_gflops;
}

}  // namespace

StepBenchResult RunStepBench(const Model& model, const StepBenchOptions& options,
                             const std::function<bool()>& stopped) {
  const int tokens = options.prompt + options.generate;
  if ((options.prompt > 0) == (options.generate > 0))
    throw Error(ErrorCode::kUsage, "bench: expected tokens to prefill or to decode, got {} and {}", options.prompt,
                options.generate);
  const int64_t positions = int64_t{options.depth} + tokens;
  if (positions >= model.spec.context) {
    throw Error(ErrorCode::kUsage, "bench: depth {} and {} tokens are more than the model's context of {}",
                options.depth, tokens, model.spec.context);
  }
  const std::vector<int32_t> text = RandomText(positions, model.spec.vocab);
  const std::span<const int32_t> ids(text);
  // Decoding starts behind something: at depth 0 behind one token.
  const int start_depth = options.generate > 0 ? std::max(options.depth, 1) : options.depth;
  DirectRun run(model, {.max_positions = static_cast<int>(positions) + 1, .max_batch_tokens = options.batch_tokens});
  if (start_depth > 0) run.Prefill(ids.first(static_cast<size_t>(start_depth)));

  const bool decode = options.generate > 0;
  const DType format = model.weights.layers.front().gate_up->format();  // of the largest matrices
  StepBenchResult result;
  std::vector<double> ceilings;  // before round 1, 2, ... and after the last
  for (int round = 0; round <= options.rounds; ++round) {
    if (stopped()) break;
    run.Rewind(options.generate > 0 ? start_depth - 1 : start_depth);
    // Every round draws its first token anew, so that all of them decode the same text.
    if (options.generate > 0) run.Prefill(ids.subspan(static_cast<size_t>(start_depth) - 1, 1));
    if (round > 0) ceilings.push_back(MeasureCeiling(*model.device, format, decode, options.peak_seconds));
    const auto start = std::chrono::steady_clock::now();
    if (options.prompt > 0) {
      run.Prefill(ids.subspan(static_cast<size_t>(options.depth), static_cast<size_t>(options.prompt)));
    } else {
      run.Decode(options.generate);
    }
    // The first round fills caches and wakes threads; it is not counted.
    if (round > 0)
      result.seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  if (result.seconds.empty())
    throw Error(ErrorCode::kInterrupted, "bench: stopped before the first round was complete");
  ceilings.push_back(MeasureCeiling(*model.device, format, decode, options.peak_seconds));
  result.logits_hash = fmt::format("{:016x}", run.LogitsHash());

  const double kv_bytes = static_cast<double>(MakeKvLayout(model.spec, model.kv_dtype).BytesPerToken(0));
  result.bytes_per_token =
      static_cast<double>(model.weights.BytesPerToken(model.spec)) + kv_bytes * (options.depth + tokens / 2.0);
  result.flop_per_token = 2.0 * static_cast<double>(model.spec.ActiveLayerParameters());
  const double rate = tokens / Median(result.seconds);  // tok/s
  result.gb_s = rate * result.bytes_per_token / 1e9;
  result.gflop_s = rate * result.flop_per_token / 1e9;
  (decode ? result.peak_gb_s : result.peak_gflop_s) = Median(ceilings);
  const double work = tokens * (decode ? result.bytes_per_token : result.flop_per_token) / 1e9;  // of a round
  std::vector<double> shares;
  for (size_t i = 0; i < result.seconds.size(); ++i) {
    const double ceiling = (ceilings[i] + ceilings[i + 1]) / 2;
    shares.push_back(ceiling > 0 ? work / result.seconds[i] / ceiling : 0);
  }
  result.share_of_ceiling = Median(shares);
  return result;
}

}  // namespace spate
