// What tests and benches of attention share: sequences of random rows that are fed to an AttentionRunner in any steps.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "backend/cpu/cpu_attend.h"

namespace spate::cpu {

struct AttentionShape {
  int heads = 4;
  int kv_heads = 2;
  int head_dim = 8;
  int rotated = 8;  // dimensions
  RopeStyle style = RopeStyle::kHalf;
  DType kv = DType::kF32;
  int window = 0;

  AttnSpec Spec() const {
    return {.heads = heads,
            .kv_heads = kv_heads,
            .head_dim = head_dim,
            .scale = 1.0f / std::sqrt(static_cast<float>(head_dim)),
            .rope = 0,
            .window = window};
  }
};

inline OpsConfig MakeAttentionConfig(const AttentionShape& shape, int max_tokens, int max_sequences, int max_context,
                                     int blocks) {
  OpsConfig config;
  config.max_tokens = max_tokens;
  config.max_sequences = max_sequences;
  config.max_outputs = 1;
  config.max_qkv = shape.Spec().QkvWidth();
  config.max_mixed = shape.Spec().QueryWidth();
  config.max_context = max_context;
  RopeTable rope{.style = shape.style, .inv_freq = {}, .magnitude = 1.25f};
  for (int i = 0; i < shape.rotated / 2; ++i) {
    rope.inv_freq.push_back(std::pow(1e4f, -2.0f * static_cast<float>(i) / static_cast<float>(shape.rotated)));
  }
  config.ropes.push_back(rope);
  config.kv.dtype = shape.kv;
  config.kv.layers = {{0, shape.kv_heads, shape.head_dim}, {0, shape.kv_heads, shape.head_dim}};
  config.kv_blocks = {blocks};
  return config;
}

// A sequence's rows of q | k | v for all its positions, and its blocks.
struct AttentionSequence {
  std::vector<float> qkv;  // [length, QkvWidth]
  std::vector<float> out;  // [length, QueryWidth], filled step by step
  std::vector<int32_t> blocks;
  int length = 0;
  int done = 0;
};

class AttentionSteps {
 public:
  AttentionSteps(const AttentionShape& shape, std::span<const int> lengths, uint32_t seed, uint32_t block_seed)
      : shape_(shape) {
    const size_t qkv_width = static_cast<size_t>(shape.Spec().QkvWidth());
    const size_t query_width = static_cast<size_t>(shape.Spec().QueryWidth());
    for (const int length : lengths) {
      AttentionSequence sequence;
      sequence.length = length;
      // Each sequence's rows follow from the seed and its length alone.
      std::mt19937 random(seed + static_cast<uint32_t>(length));
      sequence.qkv.resize(static_cast<size_t>(length) * qkv_width);
      for (float& value : sequence.qkv) value = static_cast<float>(random() % 20001) / 1e4f - 1;
      sequence.out.resize(static_cast<size_t>(length) * query_width);
      sequence.blocks.resize(static_cast<size_t>((length + kKvBlockTokens - 1) / kKvBlockTokens));
      blocks_ += static_cast<int>(sequence.blocks.size());
      max_blocks_ = std::max(max_blocks_, static_cast<int>(sequence.blocks.size()));
      tokens_ += length;
      sequences_.push_back(std::move(sequence));
    }
    std::vector<int32_t> numbers(static_cast<size_t>(blocks_));
    std::iota(numbers.begin(), numbers.end(), 0);
    std::shuffle(numbers.begin(), numbers.end(), std::mt19937(block_seed));
    auto next = numbers.begin();
    for (AttentionSequence& sequence : sequences_) {
      for (int32_t& block : sequence.blocks) block = *next++;
    }
  }

  OpsConfig Config() const {
    return MakeAttentionConfig(shape_, tokens_, static_cast<int>(sequences_.size()), max_blocks_ * kKvBlockTokens,
                               blocks_);
  }
  std::vector<AttentionSequence>& sequences() { return sequences_; }

  // One step with the next counts[i] tokens of sequence i; sequences with 0 are not in it.
  void Step(AttentionRunner& runner, std::span<const int> counts, int layer = 0) {
    Prepare(counts);
    runner.Begin(batch_);
    Attend(runner, layer);
    Store();
  }

  // Step in pieces, for benches: Prepare, runner.Begin(batch()), Attend as often as wanted, Store.
  void Prepare(std::span<const int> counts) {
    const size_t width = static_cast<size_t>(shape_.Spec().QkvWidth());
    members_.clear();
    positions_.clear();
    query_start_.assign(1, 0);
    context_len_.clear();
    write_slot_.clear();
    block_table_.clear();
    qkv_.clear();
    for (size_t i = 0; i < sequences_.size(); ++i) {
      if (counts[i] == 0) continue;
      const AttentionSequence& sequence = sequences_[i];
      members_.push_back(i);
      for (int t = sequence.done; t < sequence.done + counts[i]; ++t) {
        positions_.push_back(t);
        write_slot_.push_back(sequence.blocks[static_cast<size_t>(t / kKvBlockTokens)] * kKvBlockTokens +
                              t % kKvBlockTokens);
      }
      query_start_.push_back(query_start_.back() + counts[i]);
      context_len_.push_back(sequence.done + counts[i]);
      const auto first = sequence.qkv.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(sequence.done) * width);
      qkv_.insert(qkv_.end(), first, first + static_cast<ptrdiff_t>(static_cast<size_t>(counts[i]) * width));
      for (int b = 0; b < max_blocks_; ++b) {
        // Names beyond the sequence's last block are never read: any number will do.
        block_table_.push_back(b < static_cast<int>(sequence.blocks.size()) ? sequence.blocks[static_cast<size_t>(b)]
                                                                            : 1 << 30);
      }
    }
    out_.assign(positions_.size() * static_cast<size_t>(shape_.Spec().QueryWidth()), 0.0f);
    view_ = {block_table_.data(), max_blocks_, write_slot_.data()};
    batch_ = {};
    batch_.tokens = static_cast<int>(positions_.size());
    batch_.sequences = static_cast<int>(members_.size());
    batch_.positions = positions_.data();
    batch_.query_start = query_start_.data();
    batch_.context_len = context_len_.data();
    batch_.kv = {&view_, 1};
    batch_.host_query_start = query_start_;
    batch_.host_context_len = context_len_;
  }
  const Batch& batch() const { return batch_; }
  void Attend(AttentionRunner& runner, int layer) {
    const AttnSpec spec = shape_.Spec();
    const Mat qkv{qkv_.data(), batch_.tokens, spec.QkvWidth(), spec.QkvWidth(), DType::kF32};
    const Mat out{out_.data(), batch_.tokens, spec.QueryWidth(), spec.QueryWidth(), DType::kF32};
    runner.Attend(spec, {}, layer, batch_, qkv, out);
  }
  void Store() {
    const size_t width = static_cast<size_t>(shape_.Spec().QueryWidth());
    auto from = out_.begin();
    for (size_t m = 0; m < members_.size(); ++m) {
      AttentionSequence& sequence = sequences_[members_[m]];
      const int count = query_start_[m + 1] - query_start_[m];
      const auto end = from + static_cast<ptrdiff_t>(static_cast<size_t>(count) * width);
      std::copy(from, end, sequence.out.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(sequence.done) * width));
      from = end;
      sequence.done += count;
    }
  }

  // Everything in chunks of at most `chunk` tokens of each sequence.
  void RunAll(AttentionRunner& runner, int chunk) {
    for (;;) {
      std::vector<int> counts;
      for (const AttentionSequence& sequence : sequences_) {
        counts.push_back(std::min(chunk, sequence.length - sequence.done));
      }
      if (std::all_of(counts.begin(), counts.end(), [](int count) { return count == 0; })) return;
      Step(runner, counts);
    }
  }

 private:
  AttentionShape shape_;
  std::vector<AttentionSequence> sequences_;
  int tokens_ = 0;
  int blocks_ = 0;
  int max_blocks_ = 0;

  Batch batch_;
  KvView view_;
  std::vector<size_t> members_;
  std::vector<int32_t> positions_, query_start_, context_len_, write_slot_, block_table_;
  std::vector<float> qkv_, out_;
};

}  // namespace spate::cpu
