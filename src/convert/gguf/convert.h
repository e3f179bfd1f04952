// spate convert: a model of any format that this program reads, written as one GGUF file with its tokenizer and chat
// template. Weights go through some rows at a time, the file appears whole or not at all.
//
//   const ConvertReport report = ConvertToGguf("Llama-3.2-1B", "llama.gguf", {.type = DType::kQ8_0});
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "convert/gguf/part_writer.h"
#include "quant/dtype.h"

namespace spate {

// Of matrices. In Q4_0 and Q8_0 too every matrix has that type, embedding and head included; one whose rows are no
// whole blocks of 32 becomes F16. Vectors, and what a rounding could turn into another decision (routers), stay F32.
inline constexpr DType kConvertTypes[] = {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0, DType::kQ4_0};

struct ConvertOptions {
  std::optional<DType> type;  // of kConvertTypes; nullopt: as the embedding is stored, F16 where that is no such type
  bool replace = false;       // a file that is there
  bool tokenizer = true;      // false: weights alone
  int threads = 0;            // 0: as many as fit
  WriteProgress progress = nullptr;
};

struct ConvertReport {
  std::string architecture;  // general.architecture
  DType type = DType::kF16;
  int64_t tensors = 0;
  int64_t file_bytes = 0;
  int64_t source_bytes = 0;
  std::map<std::string, int64_t> formats;  // bytes of tensors by format
  std::vector<std::string> notes;          // what the format could not say, one line each
};

// Throws Error: kUsage for an output that is there or is part of the model, kBadInput for a model that is not
// understood or that GGUF cannot express, kEnvironment, kInterrupted when `progress` says to stop.
ConvertReport ConvertToGguf(const std::filesystem::path& model, const std::filesystem::path& output,
                            const ConvertOptions& options);

}  // namespace spate
