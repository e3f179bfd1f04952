// Ops: the only surface between model code and a backend. Calls are coarse (7 a layer), so a virtual
// call costs nothing beside the work and a whole step can be captured as one graph. Dtype, ISA and
// number format are settled below this line: a Linear carries its own packed data and kernel.
//
// Residual adds, gated activations and norms are epilogues or fused operations. Activations are f32
// between operations on CPU. Not thread-safe: one Ops belongs to one worker thread, which makes every
// call of a step in order; an implementation may use threads of its own inside a call.
//
// Same request, same bits: whatever a backend does, a row of an output depends neither on the other rows
// of the batch, nor on how a prompt was cut into steps, nor on the number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "backend/linear.h"
#include "backend/op_params.h"
#include "quant/dtype.h"

namespace spate {

// Non-owning view of device memory, row-major. Rows are `stride` elements apart.
struct Mat {
  void* data = nullptr;
  int rows = 0;
  int cols = 0;
  int64_t stride = 0;
  DType dtype = DType::kF32;
};

// Where the keys and values of one KV group are.
struct KvView {
  const int32_t* block_table = nullptr;  // [sequences, max_blocks]: block number of each 16 positions
  int max_blocks = 0;
  const int32_t* write_slot = nullptr;  // [tokens]: block * kKvBlockTokens + offset where this token goes
};

struct TokenBias {
  int32_t id = 0;
  float bias = 0.f;  // added to the logit; -infinity bans the token
};

// How one output row is sampled. Order: bias, penalties, temperature, top-k, top-p, min-p, draw; or as `extras` say.
// The draw is the inverse of the distribution function over the tokens that are left, in ascending
// order of id, at UniformAt(seed, choice, position, 0): a function of the request alone.
struct SampleArgs {
  uint64_t seed = 0;
  int64_t position = 0;     // of the token to be sampled, from 0 at the prompt's first
  uint32_t choice = 0;      // of several answers to one prompt
  int32_t slot = 0;         // whose counts the penalties read and whose last token is set
  float temperature = 0.f;  // 0 = greedy: the largest logit, the lowest id among equals
  int32_t top_k = 0;        // 0 = off
  float top_p = 1.f;        // 1 = off; the smallest set whose probabilities reach it
  float min_p = 0.f;        // 0 = off; relative to the most probable token
  float repetition_penalty =
      1;  // of tokens in prompt or output: logit / r if positive, else logit * r (arXiv 1909.05858)
  float presence_penalty = 0;   // of tokens in the output, subtracted once
  float frequency_penalty = 0;  // of tokens in the output, subtracted per occurrence
  int32_t top_logprobs = -1;    // -1 = no log-probabilities; else of the token and of this many most likely
  const TokenBias* bias = nullptr;
  int32_t bias_count = 0;
  const SamplerExtras* extras = nullptr;  // null = the usual samplers in their usual order
};

// A slot changes its owner: what the samplers of its new one remember, from before and from now on.
struct SlotStart {
  int32_t slot = 0;
  bool track = false;     // counts tokens, for the penalties
  bool remember = false;  // keeps tokens in their order, for DRY and bad words
  float mirostat_mu = 0;
  std::span<const int32_t> prompt{};  // empty unless track or remember
  std::span<const int32_t> output{};  // what a sequence had produced before a preemption
};

inline constexpr int kMaxTopLogprobs = 20;

// Log-probabilities are those of the model itself: log softmax of the raw logits.
struct SampleResult {
  int32_t token = 0;
  bool no_logits = false;  // the model gave no finite logit (NaN weights): `token` says nothing
  float logprob = 0.f;
  int32_t top_count = 0;
  int32_t top_ids[kMaxTopLogprobs] = {};  // most likely first, lower id first among equals
  float top_logprobs[kMaxTopLogprobs] = {};
  float mirostat_mu = 0;  // of the slot after this token: what restores it after a preemption
};

// One scheduler step, packed: every sequence's new tokens back to back. Identical for prefill, chunked
// prefill and decode. Flat and plain; device pointers unless named host_.
struct Batch {
  int tokens = 0;
  int sequences = 0;
  int outputs = 0;
  const int32_t* ids = nullptr;          // [tokens] >= 0 a token; -1-s: the token last sampled for slot s
  const int32_t* positions = nullptr;    // [tokens]
  const int32_t* slots = nullptr;        // [sequences] persistent slot: last token, penalty counts
  const int32_t* query_start = nullptr;  // [sequences + 1] first token of each sequence in this step
  const int32_t* context_len = nullptr;  // [sequences] positions in the cache after this step
  const int32_t* output_rows = nullptr;  // [outputs] rows that need logits: the last, all, or several of a sequence
  std::span<const KvView> kv;            // by KvLayout group
  const SampleArgs* sample = nullptr;    // [outputs], null = logits only
  std::span<const int32_t> host_query_start;
  std::span<const int32_t> host_context_len;
};

// What an Apply does with w.x + bias before it is stored.
struct Epilogue {
  enum class Kind : uint8_t {
    kStore,  // out = y
    kAddTo,  // out += y: the residual stream
    kAct,    // out = act(y)
    kGate,   // out = act(gate) * up, for a Linear packed with `gated`; out has half its rows as columns
  };
  Kind kind = Kind::kStore;
  Act act = Act::kSilu;
  float scale = 1.f;  // multiplies y where it is stored or added
};

// The weights of AttnSpec::qk_norm; null without one.
struct QkNormWeights {
  const Vec* query = nullptr;
  const Vec* key = nullptr;
};

// Scratch buffers of a step. Each name is one buffer, sized for the largest request at construction.
enum class Buf : uint8_t { kResidual, kNormed, kBranch, kShared, kQkv, kMixed, kHidden, kGathered, kLogits, kCount };

// Everything an Ops plans for at construction: nothing is allocated in a step.
struct OpsConfig {
  int max_tokens = 0;     // of a step
  int max_sequences = 0;  // of a step
  int max_outputs = 0;    // rows of logits of a step
  int slots = 0;          // persistent slots
  int dim = 0;            // model width
  int max_qkv = 0;        // widest QkvWidth of any layer
  int max_mixed = 0;      // widest QueryWidth of any layer
  int max_hidden = 0;     // widest FFN, or expert
  int max_experts = 0;    // of a mixture; 0 = none
  int max_active = 0;     // experts of a token
  int vocab = 0;
  int max_context = 0;
  std::vector<RopeTable> ropes;
  std::vector<AlibiSlopes> alibi;
  KvLayout kv;
  std::vector<int32_t> kv_blocks;  // [kv.groups] blocks to allocate
};

using TapFn = std::function<void(std::string_view name, int layer, const Mat& mat)>;

class Ops {
 public:
  virtual ~Ops() = default;

  // Plans a step on the host; every other call of the step passes the same batch. Outside a graph.
  virtual void Begin(const Batch& batch) = 0;
  // Buffer `id` as [rows, cols], uninitialised, valid until the next Begin.
  virtual Mat Scratch(Buf id, int rows, int cols) = 0;

  // out[t] = scale * table row of ids[t].                               out [tokens, dim]
  virtual void Embed(const Table& table, float scale, const Batch& batch, Mat out) = 0;
  // x[t] += table row of positions[t] + offset: learned positions.      x [tokens, dim]
  virtual void AddPositions(const Table& table, int offset, const Batch& batch, Mat x) = 0;
  // x += delta (if any); out = norm(x) * w. out may be x.               x, delta, out [rows, dim]
  virtual void AddNorm(const Vec& w, const NormSpec& spec, const Mat* delta, Mat x, Mat out) = 0;
  // out = epilogue(w x + bias). x is rounded to the weights' format where the kernel multiplies in it.
  //                                                                     x [rows, w.cols], out [rows, w.rows or half]
  virtual void Apply(const Linear& w, Mat x, Mat out, const Epilogue& epilogue) = 0;
  // Normalizes and rotates q and k of qkv = [q | k | v], writes k and v to the cache, attends causally over the cached
  // positions of each token's own sequence.                             qkv [tokens, QkvWidth], out [tokens,
  // QueryWidth]
  virtual void Attend(const AttnSpec& spec, const QkNormWeights& norms, int layer, const Batch& batch, Mat qkv,
                      Mat out) = 0;
  // out = epilogue(sum over a token's experts, largest router logit first, of weight * expert(x)); kStore
  // or kAddTo. `router` is [experts, dim]; gate_up and down are stacks of spec.experts.
  //                                                                     x [rows, dim], out [rows, dim]
  virtual void Experts(const FfnSpec& spec, const Linear& router, const Linear& gate_up, const Linear& down, Mat x,
                       Mat out, const Epilogue& epilogue) = 0;
  // out += scale * sigmoid(gate x) * delta, a factor for each row.      gate [1, dim], delta, out [rows, dim]
  virtual void AddGated(const Linear& gate, Mat x, Mat delta, float scale, Mat out) = 0;
  // x += delta.                                                         delta, x [rows, dim]
  virtual void Add(Mat delta, Mat x) = 0;
  // out[i] = x[output_rows[i]].                                         out [outputs, dim]
  virtual void GatherRows(const Batch& batch, Mat x, Mat out) = 0;
  // logits = cap tanh(logits / cap).                                    logits [outputs, vocab]
  virtual void Softcap(float cap, Mat logits) = 0;
  // Samples every row by batch.sample; updates the slots' last token and what else they remember. The
  // logits are left as they were. Synchronises: results are on the host. logits [outputs, vocab], results [outputs]
  virtual void Sample(const Batch& batch, Mat logits, std::span<SampleResult> results) = 0;

  // Host copy of rows of a Mat, f32: waits for the device.              out [mat.rows * mat.cols]
  virtual void Download(const Mat& mat, std::span<float> out) = 0;

  // Forgets what a slot remembers and starts anew: called when a sequence is admitted.
  virtual void SetSlot(const SlotStart& start) = 0;

  // Hands named intermediate results to `tap` (null = off). Used by golden tests to name the first layer that
  // diverges, and by profiles.
  void SetTap(TapFn tap) { tap_ = std::move(tap); }
  void Tap(std::string_view name, int layer, const Mat& mat) const {
    if (tap_) tap_(name, layer, mat);
  }

 private:
  TapFn tap_;
};

}  // namespace spate
