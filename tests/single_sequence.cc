#include "tests/single_sequence.h"

#include <algorithm>
#include <numeric>

#include "model/model_files.h"

namespace spate {

SingleSequence::SingleSequence(const std::filesystem::path& folder, std::string_view backend, DType dtype,
                               DType kv_dtype, int threads, ReadMode read) {
  const ModelFiles files = OpenModelFiles(folder);
  spec_ = MakeSpec(files.config);
  device_ = MakeDevice(backend, {.threads = threads});
  weights_ = LoadWeights(*files.checkpoint, ArchOf(files.config), files.dialect, spec_, *device_,
                         {.format = dtype, .read = read, .progress = {}});
  const int blocks = (spec_.context + kKvBlockTokens - 1) / kKvBlockTokens;
  OpsConfig plan = PlanOps(spec_, kv_dtype);
  plan.max_tokens = plan.max_outputs = spec_.context;
  plan.max_sequences = plan.slots = 1;
  plan.max_context = spec_.context;
  plan.kv_blocks = {blocks};
  ops_ = device_->MakeOps(plan);
  block_table_.resize(static_cast<size_t>(blocks));
  std::iota(block_table_.rbegin(), block_table_.rend(), 0);  // backwards: a kernel may not count on order
}

std::vector<float> SingleSequence::Logits(std::span<const int32_t> ids, int chunk) {
  length_ = 0;
  std::vector<float> all;
  for (size_t at = 0; at < ids.size(); at += static_cast<size_t>(chunk)) {
    const std::vector<float> part = Run(ids.subspan(at, std::min(static_cast<size_t>(chunk), ids.size() - at)));
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

std::vector<float> SingleSequence::Step(int32_t id) { return Run({&id, 1}); }

std::vector<float> SingleSequence::Run(std::span<const int32_t> ids) {
  const int tokens = static_cast<int>(ids.size());
  std::vector<int32_t> positions(ids.size());
  std::iota(positions.begin(), positions.end(), length_);
  std::vector<int32_t> write_slot;
  for (const int32_t p : positions) {
    write_slot.push_back(block_table_[static_cast<size_t>(p / kKvBlockTokens)] * kKvBlockTokens + p % kKvBlockTokens);
  }
  std::vector<int32_t> rows(ids.size());
  std::iota(rows.begin(), rows.end(), 0);
  length_ += tokens;
  const int32_t slot = 0;
  const int32_t query_start[] = {0, tokens};
  const int32_t context_len[] = {length_};
  const KvView kv{block_table_.data(), static_cast<int>(block_table_.size()), write_slot.data()};

  Batch batch;
  batch.tokens = batch.outputs = tokens;
  batch.sequences = 1;
  batch.ids = ids.data();
  batch.positions = positions.data();
  batch.slots = &slot;
  batch.query_start = query_start;
  batch.context_len = context_len;
  batch.output_rows = rows.data();
  batch.kv = {&kv, 1};
  batch.host_query_start = query_start;
  batch.host_context_len = context_len;

  const Mat logits = Decoder(spec_, weights_, *ops_).Forward(batch);
  std::vector<float> out(static_cast<size_t>(logits.rows) * static_cast<size_t>(logits.cols));
  ops_->Download(logits, out);
  return out;
}

}  // namespace spate
