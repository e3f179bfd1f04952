// Loading needs little more memory than its result: anonymous pages stay below the packed weights and one tensor.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "convert/gguf/folder_for_test.h"
#include "engine/open_model.h"

namespace spate {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Rows and columns are multiples of every tile, so that a packed matrix has the bytes that it has in the file. The
// largest tensor is as large as the buffers of the pass may become (base/stream_reader.cc): 12 pieces read ahead and
// two being packed by each of two threads, 2 MiB and their ends, so 4 MiB each; and as many of 2 MiB, for smaller
// pieces.
constexpr int64_t kDim = 1024, kHidden = 3072, kKvDim = 256, kVocab = 49152, kLayers = 4;
constexpr int64_t kLargest = kVocab * kDim * 2;  // bytes; the embedding, and the head
static_assert(kLargest >= (12 + 2 * 2) * (4 + 2) * (int64_t{1} << 20));
// Without buffers: a small tokenizer, norms, headers, and pages that the system counts late, 64 a thread. Four times
// what they take.
constexpr int64_t kMappedExtra = int64_t{4} << 20;

int64_t AnonymousBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stoll(line.substr(8)) * 1024;
  }
  throw Error(ErrorCode::kEnvironment, "/proc/self/status: no RssAnon");
}

// A Llama of zeros in bf16, which take no room on a disk. Returns the bytes of its matrices.
int64_t WriteModel(const FolderForTest& folder) {
  json header = json::object();
  int64_t end = 0, matrices = 0;
  const auto add = [&](const std::string& name, const std::vector<int64_t>& shape) {
    int64_t bytes = 2;
    for (const int64_t size : shape) bytes *= size;
    header[name] = {{"dtype", "BF16"}, {"shape", shape}, {"data_offsets", {end, end + bytes}}};
    end += bytes;
    if (shape.size() > 1) matrices += bytes;
  };
  add("model.embed_tokens.weight", {kVocab, kDim});
  for (int64_t layer = 0; layer < kLayers; ++layer) {
    const std::string at = "model.layers." + std::to_string(layer) + ".";
    add(at + "input_layernorm.weight", {kDim});
    add(at + "self_attn.q_proj.weight", {kDim, kDim});
    add(at + "self_attn.k_proj.weight", {kKvDim, kDim});
    add(at + "self_attn.v_proj.weight", {kKvDim, kDim});
    add(at + "self_attn.o_proj.weight", {kDim, kDim});
    add(at + "post_attention_layernorm.weight", {kDim});
    add(at + "mlp.gate_proj.weight", {kHidden, kDim});
    add(at + "mlp.up_proj.weight", {kHidden, kDim});
    add(at + "mlp.down_proj.weight", {kDim, kHidden});
  }
  add("model.norm.weight", {kDim});
  add("lm_head.weight", {kVocab, kDim});
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t size = text.size();
  PutFile(folder / "model.safetensors", std::string(reinterpret_cast<const char*>(&size), 8) + text);
  fs::resize_file(folder / "model.safetensors", 8 + size + static_cast<uint64_t>(end));

  const fs::path demo = fs::path(SPATE_SOURCE_DIR) / "models" / "demo";
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) fs::copy_file(demo / name, folder / name);
  json config = ReadJsonFile((demo / "config.json").string(), {});
  config.update({{"vocab_size", kVocab},
                 {"hidden_size", kDim},
                 {"num_hidden_layers", kLayers},
                 {"intermediate_size", kHidden},
                 {"num_attention_heads", 16},
                 {"num_key_value_heads", kKvDim / 64},
                 {"head_dim", 64},
                 {"tie_word_embeddings", false}});
  PutFile(folder / "config.json", config.dump());
  return matrices;
}

class LoadMemory : public ::testing::TestWithParam<ReadMode> {};

TEST_P(LoadMemory, StaysBelowTheResultAndOneTensor) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer has memory of its own";
#endif
  const FolderForTest folder;
  const int64_t result = WriteModel(folder);
  malloc_trim(0);  // or what earlier tests gave back could be taken again without being seen
  const int64_t before = AnonymousBytes();
  std::atomic<int64_t> peak{before};
  std::jthread sampler([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      peak = std::max<int64_t>(peak, AnonymousBytes());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  const auto model = OpenModel({.path = folder / "", .threads = 2, .read = GetParam()});
  const int64_t after = AnonymousBytes();
  sampler.request_stop();
  sampler.join();
  EXPECT_GE(after - before, result) << "the weights are not where this test looks for them";
  EXPECT_LE(peak - before, result + (GetParam() == ReadMode::kMapped ? kMappedExtra : kLargest));
}

INSTANTIATE_TEST_SUITE_P(All, LoadMemory, ::testing::Values(ReadMode::kBuffers, ReadMode::kMapped),
                         [](const auto& mode) { return mode.param == ReadMode::kMapped ? "mmap" : "no_mmap"; });

}  // namespace
}  // namespace spate
