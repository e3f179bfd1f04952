// xLLM's weight file, which its export_weight.py and quant write, little-endian: int32 fields, each a key and a value
// (int32 bytes, text) as Python's str() shows the config; int32 tensors, each a name, int32 rank, int32 sizes, int32
// dtype, and the values. dtype 0 is f32, 1 bf16, 7 f16. 3 (int8), 4 and 8 (int4) are matrices in which each row has its
// own scale: int32 0 (the axis), then a float min and max for each row, then the numbers q, of int4 two to a byte, the
// first in the high half. With min and max widened to include 0,
//   scale = (max - min) / (2^bits - 1), zero = round(-min / scale)
//   int8: scale * (q - zero)      int4: -scale * zero + scale * q
// computed in f32 in this order. Such rows are made as f32. (The exporter's int8 rows have min = -max, so their zero
// lies at 127.5, and where f32 falls decides between 127 and 128, here as in xLLM.)
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "checkpoint/mapped_checkpoint.h"

namespace spate {

struct XllmFile {
  FileTensors tensors;
  std::map<std::string, std::string, std::less<>> fields;
};

// Parses a whole file. `file` names it in messages; views and makers read `bytes`, those of quantized rows through
// `reader` if there is one. Throws Error(kBadInput). This is the function the fuzz target calls with its input.
XllmFile ParseXllmFile(std::span<const std::byte> bytes, std::string_view file, StreamReader* reader = nullptr);

// config.json of the same model. Where a field is missing it is Llama-2-7B's, the one model that xLLM knows.
nlohmann::json XllmConfig(const XllmFile& file, std::string_view what);

struct XllmModel {
  std::unique_ptr<Checkpoint> checkpoint;
  nlohmann::json config;
};

// `path` is the weight file; the tokenizer is another one (xllm_tokenizer.h).
bool IsXllmFile(const std::filesystem::path& path);
XllmModel OpenXllmFile(const std::filesystem::path& path);

}  // namespace spate
