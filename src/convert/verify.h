// Verify: whether a model on disk is whole and what it was. Three questions, each answered on its own: does its
// structure fit its architecture, are its weights numbers, and are its files those of a manifest. Reads every byte once
// and allocates some buffers. Pure functions but for the manifest that they are asked to write.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "convert/bad_values.h"
#include "convert/file_pass.h"

namespace spate {

struct VerifyOptions {
  std::filesystem::path manifest{};  // empty: spate-manifest.json or SHA256SUMS beside the model
  bool write = false;                // make spate-manifest.json (or `manifest`) of what is there, instead of comparing
  PassProgress progress{};
};

struct BadTensor {
  std::string name;
  std::string format;
  BadValues bad;
};

struct FileDifference {
  std::string name;
  std::string what;  // "changed: ...", "missing", "added: ..."
};

struct Verification {
  std::string format;  // "safetensors", "GGUF"; empty when it could not be opened
  std::string architecture;
  std::string structure_problem;  // empty = all right
  int64_t tensors = 0;
  std::vector<BadTensor> bad_tensors;

  std::string manifest;  // its path; empty = there is none
  bool written = false;
  std::vector<FileDifference> differences;
  std::vector<std::string> not_covered;  // files that a list of sums leaves out: no difference
  int64_t files = 0;                     // whose sums were made
  int64_t bytes = 0;                     // read
  double seconds = 0;

  bool Passed() const { return structure_problem.empty() && bad_tensors.empty() && differences.empty(); }
};

// Throws Error(kBadInput) for a path that holds no model and a manifest that is none, Error(kEnvironment) where a file
// can no longer be read. What is wrong inside a model is a result.
Verification Verify(const std::filesystem::path& model, const VerifyOptions& options);

// The sums alone, before a model is loaded: throws Error(kBadInput) naming the first file that differs from the
// manifest beside the model, or saying that there is none.
void CheckSums(const std::filesystem::path& model, const PassProgress& progress);

}  // namespace spate
