// Inspection: what a model on disk is, what it would become in memory here, and whether it runs, told from headers and
// configurations alone: no weight is read, nothing of the model's size is allocated. A plain value, made once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/spec.h"

namespace spate {

struct InspectOptions {
  std::string backend = "cpu";
  int64_t context = 0;  // positions; 0 = the model's
  int concurrency = 1;  // sequences at a time
  std::optional<DType> dtype{};
  std::optional<DType> kv_dtype{};
  int64_t free_memory = -1;  // bytes; -1 = what this machine has free
};

// Matrices of one stored format that are kept in one format.
struct FormatUse {
  std::string stored;  // "q4_K", "bf16", "gptq 4-bit"
  std::string kept;    // "q8_0"; the same = its own bits
  bool converted = false;
  int64_t weights = 0;  // elements
  int64_t stored_bytes = 0;
  int64_t kept_bytes = 0;
};

struct TokenizerSummary {
  std::string kind = "none";
  int vocab = 0;
  std::string problem{};  // why it cannot be used; empty = fine
};

struct ChatTemplateSummary {
  std::string status;     // "compiles", "none", "does not compile"
  std::string file{};     // that it is from
  std::string problem{};  // why it does not compile
};

struct MemoryNeed {
  int64_t context = 0;
  int concurrency = 1;
  DType dtype = DType::kBF16;  // of matrices that do not keep their own format
  DType kv_dtype = DType::kBF16;
  int64_t weights = 0;       // bytes, as are all that follow
  int64_t kv_per_token = 0;  // of one sequence
  int64_t kv = 0;            // of all sequences' whole context
  int64_t free = 0;
  int64_t per_output = 0;       // weights read for a token of decode
  int64_t fitting_context = 0;  // the longest for which everything fits; 0 = none

  int64_t Total() const { return weights + kv; }
};

struct Inspection {
  enum class Runs { kYes, kSlowly, kNo };

  std::string path;
  std::string format;   // "GGUF", "safetensors, GPTQ, 4 bits, groups of 128"
  std::string backend;  // "cpu", with its instruction set
  ModelSpec spec;
  int64_t weight_bytes = 0;                             // of all tensors
  std::vector<std::pair<std::string, int64_t>> stored;  // bytes of all tensors by stored format
  std::vector<FormatUse> formats;                       // of matrices
  TokenizerSummary tokenizer;
  ChatTemplateSummary chat;
  MemoryNeed memory;

  Runs runs = Runs::kYes;
  std::vector<std::string> reasons;  // of kSlowly and kNo; remarks on kYes
  int exit_code = 0;                 // 3 where the model is wrong, 4 where it does not fit
  std::string Verdict() const;       // "runs", "runs, slowly, because ...", "does not run, because ..."
};

// Throws Error(kBadInput) for what is no model, or one that this program does not know or that lacks tensors.
Inspection Inspect(const std::filesystem::path& path, const InspectOptions& options);

}  // namespace spate
