// Engine: requests in, streamed text out; the same for one prompt on a command line and for a server's
// many users. Owns the scheduler, the KV blocks, the executor and one thread that turns the loop:
//
//   drain the queue -> Schedule -> build the batch -> Launch -> Collect -> Commit -> detokenize -> Sink
//
// Submit and Abort may be called from any thread. The destructor aborts what is running.
//
//   Engine engine(OpenModel({.path = "models/demo"}), {});
//   engine.Submit({.id = "1", .prompt = ids, .params = {}}, sink);
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "backend/device.h"
#include "engine/request.h"
#include "model/loader.h"
#include "model/spec.h"
#include "model/weights.h"
#include "tokenizer/tokenizer.h"

namespace spate {

struct ModelOptions {
  std::filesystem::path path{};         // Hugging Face folder
  std::string backend = "cpu";
  int threads = 0;                      // 0 = detected
  std::optional<DType> dtype{};         // none = the checkpoint's own; f32 also makes activations and KV f32
  std::optional<DType> kv_dtype{};      // none = bf16, or f32 with dtype f32
  int num_layers = 0;                   // 0 = all; else the first so many
  bool dummy = false;                   // config.json only: seeded random weights
  uint64_t dummy_seed = 0;
  LoadProgress progress{};
};

// A model ready to run: device, packed weights, tokenizer. Destroyed in reverse order.
struct Model {
  ModelSpec spec;
  std::unique_ptr<Tokenizer> tokenizer; // null when a dummy folder has none: ids in, ids out
  std::unique_ptr<Device> device;
  Weights weights;
  DType dtype = DType::kBF16;
  DType kv_dtype = DType::kBF16;
  double load_seconds = 0;
  int64_t load_bytes = 0;               // read from the checkpoint
};

// Throws Error: one line that names the file and what to try.
std::unique_ptr<Model> OpenModel(const ModelOptions& options);

struct EngineOptions {
  int max_batch_tokens = 512;           // token budget of a step: decodes first, then prefill chunks
  int max_sequences = 64;               // running at once
  int context = 0;                      // 0 = the model's
  int64_t kv_blocks = 0;                // 0 = enough for max_sequences × context within half of the free memory, at least one context
};

struct EngineStats {                    // since construction
  int64_t steps = 0;
  int64_t prefill_tokens = 0;
  int64_t decode_tokens = 0;
  double prefill_seconds = 0;           // of steps that held prefill only
  double decode_seconds = 0;            // of steps that held decodes only
  double mixed_seconds = 0;
  int64_t preemptions = 0;
};

class Engine {
 public:
  Engine(std::unique_ptr<Model> model, const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Model& model() const;
  int context() const;                  // positions a request may use, prompt and output together

  // Checks the request against context and vocabulary (Error kBadInput or kDoesNotFit with both numbers), then queues it.
  void Submit(Request request, std::shared_ptr<Sink> sink);
  void Abort(std::string id);           // the request ends with kAborted; unknown ids are ignored
  EngineStats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spate
