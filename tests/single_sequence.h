// Runs one sequence through a model without scheduler and sampler: the shortest way from ids to logits, for
// tests that compare models and backends. Not thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/device.h"
#include "model/arch.h"
#include "model/decoder.h"
#include "model/loader.h"

namespace spate {

class SingleSequence {
 public:
  SingleSequence(const std::filesystem::path& folder, std::string_view backend, DType dtype, DType kv_dtype,
                 int threads, ReadMode read = ReadMode::kBuffers);

  // Forgets the cache, runs `ids` in chunks of `chunk` tokens and returns logits of every position. [ids, vocab]
  std::vector<float> Logits(std::span<const int32_t> ids, int chunk);
  // One more token behind what the cache holds; its logits. [vocab]
  std::vector<float> Step(int32_t id);

  const ModelSpec& spec() const { return spec_; }
  Ops& ops() { return *ops_; }

 private:
  std::vector<float> Run(std::span<const int32_t> ids);

  ModelSpec spec_;
  std::unique_ptr<Device> device_;
  Weights weights_;
  std::unique_ptr<Ops> ops_;
  std::vector<int32_t> block_table_;
  int length_ = 0;
};

}  // namespace spate
