// A tiny GGUF model of one layer whose matrices are in any block format, with bytes of the test's choice, and a
// tokenizer of single bytes, so that whatever it says is a test of UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "quant/dtype.h"

namespace spate {

struct BlockModel {
  static constexpr int kDim = 256;
  static constexpr int kVocab = 264;

  // Bytes of `blocks` blocks, for tensor number `tensor`.
  using MakeBlocks = std::vector<std::byte> (*)(DType format, size_t blocks, uint64_t seed);

  explicit BlockModel(DType format, MakeBlocks make);
  // The first byte of a matrix in the file.
  size_t OffsetOf(const std::string& tensor) const;
  void Write(const std::filesystem::path& path) const;

  std::string file;

 private:
  struct Place {
    std::string name;
    size_t offset;  // from the beginning of the data, then of the file
  };
  std::vector<Place> places_;
};

}  // namespace spate
