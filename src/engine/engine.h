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
#include <memory>
#include <string>

#include "engine/engine_stats.h"
#include "engine/open_model.h"
#include "engine/request.h"

namespace spate {

struct EngineOptions {
  int max_batch_tokens = 512;  // token budget of a step: decodes first, then prefill chunks
  int max_sequences = 64;      // running at once; never more than max_batch_tokens
  int context = 0;             // 0 = the model's
  // Of 16 tokens. 0 = enough for max_sequences full contexts, but at most half of the free memory, and for one context
  // at least. Fewer than one context needs limit the context.
  int64_t kv_blocks = 0;
};

class Engine {
 public:
  Engine(std::unique_ptr<Model> model, const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Model& model() const;
  int context() const;  // positions a request may use, prompt and output together

  // Checks the request against context and vocabulary (Error kUsage, kBadInput, or kDoesNotFit with both numbers), then
  // queues it.
  void Submit(Request request, std::shared_ptr<Sink> sink);
  void Abort(std::string id);  // the request ends with kAborted; unknown ids are ignored
  EngineStats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spate
