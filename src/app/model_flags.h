// Flags that every command with a model shares, and where the bundled demo model is.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "engine/engine.h"

namespace spate {

class ModelFlags {
 public:
  void AddTo(CLI::App& command);

  std::filesystem::path path() const;  // of -m, or the demo model
  bool demo() const { return model_.empty(); }
  ModelOptions Options() const;                           // without progress
  std::unique_ptr<Model> Open(bool show_progress) const;  // with a bar on stderr
  // --verify, if it was given. Open does it, unless this was called: by commands that read some of the files before.
  void CheckFiles(bool show_progress) const;

 private:
  std::string model_;
  std::string backend_ = "cpu";
  int threads_ = 0;
  std::string dtype_;
  std::string kv_;
  int num_layers_ = 0;
  bool dummy_ = false;
  bool mmap_ = false;
  bool verify_ = false;
  mutable bool checked_ = false;
};

// $SPATE_DEMO, share/spate/demo beside the executable, ./models/demo, then the source folder that the build saw.
// Error(kEnvironment) naming all of them when none is there.
std::filesystem::path DemoModel();

// Values of --dtype and --kv; none for "". Error(kUsage) for others, naming those that there are.
std::optional<DType> ParseWeightFormat(const std::string& value);
std::optional<DType> ParseKvFormat(const std::string& value);

// What a command was given as its model: a path, a name that `spate pull` fetched, or nothing for the demo model.
std::filesystem::path ModelPath(const std::string& given);

// For a number of tokens: digits, or 8k for 8 x 1024.
CLI::Validator TokenCount();

// "1,2,3" or "1 2 3" as ids. Error(kUsage) with the first thing that is none.
std::vector<int32_t> ParseIds(const std::string& text);

}  // namespace spate
