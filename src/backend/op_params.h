// Parameters of the backend operations, as plain data. They live below the model layer so that
// backends never include model headers; a ModelSpec is built out of these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "quant/dtype.h"

namespace spate {

enum class Act : uint8_t {
  kSilu,      // x / (1 + e^-x)
  kGeluErf,   // x (1 + erf(x / sqrt 2)) / 2
  kGeluTanh,  // x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
  kRelu,
  kReluSquared
};
enum class NormKind : uint8_t {
  kRms,   // x / sqrt(mean(x^2) + eps) * w (+ b)
  kLayer  // (x - mean(x)) / sqrt(variance(x) + eps) * w (+ b)
};

// Which values of a head are rotated together: (i, i + dims/2), or (2i, 2i + 1).
enum class RopeStyle : uint8_t { kHalf, kInterleaved };

// Rotary position embedding (arXiv 2104.09864). Every scaling scheme is just other numbers here, made
// at load (model/rope.h): the angle of pair i at position p is p * inv_freq[i], computed in f32 as the
// reference implementations do.
struct RopeTable {
  RopeStyle style = RopeStyle::kHalf;
  std::vector<float> inv_freq;  // [dims / 2]; dims = rotated leading values of each head
  float magnitude = 1.0f;       // multiplies cos and sin

  friend bool operator==(const RopeTable&, const RopeTable&) = default;
};

struct NormSpec {
  NormKind kind = NormKind::kRms;
  float eps = 1e-5f;
};

// What is normalized of queries and keys before they are rotated.
enum class QkNorm : uint8_t {
  kNone,
  kHead,      // each head, all with the same weight                 weight [head_dim]
  kEachHead,  // each head with a weight of its own                  weight [heads * head_dim], [kv_heads * head_dim]
  kWidth      // all heads together                                  weight the same
};

// Score of a query at position p and a key at position s: softcap(scale q.k) + slope (s - p), where s <= p and, with a
// window, s > p - window.
struct AttnSpec {
  int heads = 0;  // query heads; head h reads key/value head h / (heads / kv_heads) (GQA, arXiv 2305.13245)
  int kv_heads = 0;
  int head_dim = 0;   // any positive number
  float scale = 0.f;  // multiplies q.k
  int rope = 0;       // index into OpsConfig::ropes; -1 = nothing is rotated
  int window = 0;     // positions that a token sees, itself included; 0 = all
  float softcap = 0;  // c tanh(x / c) of the scaled scores (arXiv 2408.00118); 0 = off
  int alibi = -1;     // index into OpsConfig::alibi; -1 = none
  float clip = 0;     // q, k and v are clamped to +- this before anything else; 0 = off
  QkNorm qk_norm = QkNorm::kNone;
  NormSpec qk_norm_spec{};

  int QueryWidth() const { return heads * head_dim; }
  int QkvWidth() const { return (heads + 2 * kv_heads) * head_dim; }
};

// Slopes of linear biases (ALiBi, arXiv 2108.12409), one per query head.
using AlibiSlopes = std::vector<float>;

// A feed-forward block: down(act(gate x) * up x), or down(act(up x)) where it is not gated; or a mixture of such
// experts (arXiv 2101.03961), of which a router chooses some for each token.
struct FfnSpec {
  int hidden = 0;  // of one expert, in a mixture
  Act act = Act::kSilu;
  bool gated = true;

  int experts = 0;           // 0 = dense
  int active = 0;            // experts of a token: those with the largest router logits, the lowest index among equals
  bool renormalize = true;   // weights: softmax over the chosen ones; else their part of the softmax over all
  int shared_hidden = 0;     // of an expert that every token uses; 0 = none
  bool shared_gate = false;  // ... weighted by the sigmoid of a projection of its own
};

// Tokens of one KV block. A block is the unit that cache/ hands out and block tables name.
inline constexpr int kKvBlockTokens = 16;

// Attention is cut at absolute multiples of this many positions and the parts are merged in ascending
// order, in prefill as in decode, so that a token's result does not depend on chunking or batching.
inline constexpr int kAttentionPart = 256;

// What of a KV cache every layer needs. Layers of one group share block numbers; the layout inside a
// block belongs to the backend.
struct KvLayout {
  struct Layer {
    int group = 0;
    int kv_heads = 0;
    int head_dim = 0;
  };
  DType dtype = DType::kBF16;  // kF32 or kBF16
  int groups = 1;
  std::vector<Layer> layers;

  int64_t BytesPerToken(int group) const {  // keys and values of all layers of the group
    int64_t bytes = 0;
    for (const Layer& l : layers) {
      if (l.group == group) bytes += int64_t{2} * l.kv_heads * l.head_dim * Traits(dtype).block_bytes;
    }
    return bytes;
  }
  int64_t BytesPerBlock(int group) const { return BytesPerToken(group) * kKvBlockTokens; }
};

// Steps between logits and a draw, listed in their default order. Each sees what those before it left, as a
// distribution of its own. backend/ref/samplers.h defines them and names their sources.
enum class SamplerStep : uint8_t { kPenalties, kDry, kTopNSigma, kTemperature, kTopK, kTypicalP, kTopP, kMinP, kXtc };
inline constexpr int kSamplerSteps = 9;

inline constexpr int kDryLongestMatch = 50;               // longer repetitions count as this long
inline constexpr float kLeastDynamicTemperature = 1e-5f;  // below, weights could only overflow

// What a row needs beyond the usual samplers: another order, or samplers that most requests leave off. Arrays belong
// to the request's owner and outlive the step.
struct SamplerExtras {
  SamplerStep steps[kSamplerSteps] = {};  // those that are on, in the order in which they run
  int32_t step_count = 0;

  float dry_multiplier = 0;
  float dry_base = 1.75f;
  int32_t dry_allowed_length = 2;         // at least 1
  int32_t dry_last_n = -1;                // tokens looked at; -1 = all
  const int32_t* dry_breakers = nullptr;  // [dry_breaker_count] ids, ascending
  int32_t dry_breaker_count = 0;

  float top_n_sigma = 0;
  float typical_p = 1;
  float xtc_probability = 0;
  float xtc_threshold = 0.1f;
  float dynatemp_range = 0;  // the temperature is within this of SampleArgs::temperature; 0 = fixed
  float dynatemp_exponent = 1;

  bool mirostat = false;  // version 2; after all steps
  float mirostat_tau = 5;
  float mirostat_eta = 0.1f;

  const int32_t* bad_words = nullptr;      // ids of all words, back to back; applied before all steps
  const int32_t* bad_word_ends = nullptr;  // [bad_word_count] end of each word in bad_words
  int32_t bad_word_count = 0;
};

}  // namespace spate
