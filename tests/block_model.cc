#include "tests/block_model.h"

#include <fmt/format.h>

#include <cstring>
#include <fstream>

#include "base/check.h"
#include "base/math_util.h"
#include "checkpoint/gguf_types.h"
#include "checkpoint/gguf_writer_for_test.h"

namespace spate {
namespace {

uint32_t GgufId(DType format) {
  for (uint32_t id = 0; id < 64; ++id) {
    const GgufTensorType* type = FindGgufTensorType(id);
    if (type != nullptr && type->dtype == format) return id;
  }
  CHECK(false, "{} is no format of GGUF", Name(format));
}

void AddTokenizer(GgufWriter& writer) {
  std::vector<std::string> texts = {"<unk>", "<s>", "</s>"};
  std::vector<int32_t> types = {2, 3, 3};
  for (int byte = 0; byte < 256; ++byte) {
    texts.push_back(fmt::format("<0x{:02X}>", byte));
    types.push_back(6);
  }
  for (const char* text : {"\u2581", "a", "b", "\u2581a", "ab"}) {
    texts.emplace_back(text);
    types.push_back(1);
  }
  writer.String("tokenizer.ggml.model", "llama");
  writer.Strings("tokenizer.ggml.tokens", texts);
  writer.List("tokenizer.ggml.scores", GgufType::kF32, std::vector<float>(texts.size(), -1.0f));
  writer.List("tokenizer.ggml.token_type", GgufType::kI32, types);
}

}  // namespace

BlockModel::BlockModel(DType format, MakeBlocks make) {
  GgufWriter writer;
  writer.String("general.architecture", "llama");
  for (const char* key : {"embedding_length", "feed_forward_length"}) writer.U32(fmt::format("llama.{}", key), kDim);
  writer.U32("llama.context_length", 64);
  writer.U32("llama.block_count", 1);
  writer.U32("llama.attention.head_count", 4);
  writer.U32("llama.attention.head_count_kv", 4);
  writer.F32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  AddTokenizer(writer);

  std::vector<std::vector<std::byte>> data;
  size_t end = 0;
  const auto add = [&](const std::string& name, const std::vector<uint64_t>& dims, uint32_t type,
                       std::vector<std::byte> bytes) {
    writer.Tensor(name, dims, type, bytes.size());
    places_.push_back({name, end});
    end = AlignUp(end + bytes.size(), size_t{32});
    data.push_back(std::move(bytes));
  };
  const auto matrix = [&](const std::string& name, uint64_t rows) {
    const size_t blocks = static_cast<size_t>(rows) * kDim / static_cast<size_t>(Traits(format).block_elements);
    add(name, {kDim, rows}, GgufId(format), make(format, blocks, data.size()));
  };
  const auto norm = [&](const std::string& name) {
    std::vector<std::byte> ones(kDim * sizeof(float));
    for (size_t i = 0; i < kDim; ++i) {
      const float one = 1;
      std::memcpy(ones.data() + i * sizeof(float), &one, sizeof(one));
    }
    add(name, {kDim}, 0, std::move(ones));
  };
  matrix("token_embd.weight", kVocab);
  matrix("output.weight", kVocab);
  norm("output_norm.weight");
  norm("blk.0.attn_norm.weight");
  norm("blk.0.ffn_norm.weight");
  for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"}) {
    matrix(fmt::format("blk.0.{}.weight", name), kDim);
  }
  file = writer.Finish();
  const size_t begin = file.size() - end;
  for (size_t i = 0; i < data.size(); ++i) {
    places_[i].offset += begin;
    std::memcpy(file.data() + places_[i].offset, data[i].data(), data[i].size());
  }
}

size_t BlockModel::OffsetOf(const std::string& tensor) const {
  for (const Place& place : places_) {
    if (place.name == tensor) return place.offset;
  }
  CHECK(false, "no tensor {}", tensor);
}

void BlockModel::Write(const std::filesystem::path& path) const { std::ofstream(path, std::ios::binary) << file; }

}  // namespace spate
