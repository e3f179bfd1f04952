// Headers that claim more than there is: each number of a file's header becomes a huge one in turn, and what opens a
// model takes no memory on its word.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include "checkpoint/gguf.h"
#include "tests/hostile/broken_copy.h"
#include "tests/hostile/model_check.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

fs::path Tests() { return fs::path(SPATE_SOURCE_DIR) / "tests"; }

// What claims(text) gives for each number in the text, in its place.
template <typename Take>
void WithEachNumber(const std::string& text, const Take& take) {
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  constexpr std::array<std::string_view, 8> kClaims = {
      "255", "512", "8192", "65536", "1048576", "2147483647", "1099511627776", "18446744073709551615"};
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    while (end < text.size() && is_digit(text[end])) ++end;
    for (const std::string_view claim : kClaims) {
      if (end > begin) take(text.substr(0, begin).append(claim).append(text, end));
    }
    begin = std::max(end, begin + 1);
  }
}

// Bytes at each place of [begin, end) become the claim.
template <typename Claim>
void ExpectSurvivesClaims(const BrokenCopy& copy, const std::string& file, size_t begin, size_t end, Claim claim) {
  const std::string original = FileBytes(copy.folder() / file);
  int refused = 0;
  for (size_t at = begin; at < end; ++at) {
    SCOPED_TRACE(at);
    std::string bytes = original;
    std::memcpy(bytes.data() + at, &claim, std::min(sizeof(claim), bytes.size() - at));
    refused += copy.SurvivesWith(file, bytes, kModelBound, [&] { CheckModelFiles(copy.folder()); }) ? 0 : 1;
  }
  EXPECT_GT(refused, 0);
}

// Counts, lengths and shapes of 32 and of 64 bits at once.
TEST(HostileClaims, OfGguf) {
  const BrokenCopy copy(Tests() / "formats/gguf", {{"model.gguf"}});
  const std::string bytes = FileBytes(copy.folder() / "model.gguf");
  size_t data = bytes.size();
  for (const GgufTensor& tensor : ParseGguf(std::as_bytes(std::span(bytes)), "original").tensors) {
    data = std::min(data, static_cast<size_t>(reinterpret_cast<const char*>(tensor.bytes.data()) - bytes.data()));
  }
  ExpectSurvivesClaims(copy, "model.gguf", 0, data, uint64_t{0x100'7fff'ffff});
}

// Lengths of strings, sizes of storages and shapes; the pickle is the first member.
TEST(HostileClaims, OfPickle) {
  const BrokenCopy copy(Tests() / "formats/meta", {{"consolidated.00.pth"}});
  const std::string bytes = FileBytes(copy.folder() / "consolidated.00.pth");
  ExpectSurvivesClaims(copy, "consolidated.00.pth", 0, bytes.find("PK\3\4", 4), uint32_t{0x7fffffff});
}

TEST(HostileClaims, OfSafetensors) {
  const std::string file = "model.safetensors";
  const BrokenCopy copy(Tests() / "formats/safetensors", {{file}});
  const std::string original = FileBytes(copy.folder() / file);
  uint64_t length = 0;
  std::memcpy(&length, original.data(), sizeof(length));
  WithEachNumber(original.substr(8, length), [&](const std::string& header) {
    SCOPED_TRACE(header);
    std::string bytes(8, '\0');
    const uint64_t claimed = header.size();
    std::memcpy(bytes.data(), &claimed, sizeof(claimed));
    EXPECT_FALSE(copy.SurvivesWith(file, bytes + header + original.substr(8 + length), kModelBound,
                                   [&] { CheckModelFiles(copy.folder()); }));
  });
}

// Layers, heads, experts, widths: what a spec is made of before it is held against the tensors.
TEST(HostileClaims, OfConfigs) {
  for (const char* folder : {"formats/safetensors", "golden/bloom", "golden/chatglm2", "golden/gpt2", "golden/mixtral",
                             "golden/llama_yarn", "golden/qwen2_moe", "golden/stablelm_12b"}) {
    const BrokenCopy copy(Tests() / folder, {{"config.json"}, {"model.safetensors"}});
    WithEachNumber(FileBytes(copy.folder() / "config.json"), [&](const std::string& config) {
      SCOPED_TRACE(std::string(folder) + ": " + config);
      copy.SurvivesWith("config.json", config, kModelBound, [&] { CheckModelFiles(copy.folder()); });
    });
  }
}

}  // namespace
}  // namespace spate
