// ModelSpec: everything the decoder needs to know about an architecture, as plain data. Made once at load
// from config.json (model/arch.h), immutable afterwards. It names no tensor, device, number format or rank.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/op_params.h"

namespace spate {

// One block of the decoder. With x the residual stream, n() its norms and s ModelSpec::residual_scale:
//   usual        x += s attn(n x);        x += s ffn(n' x)
//   parallel     x += s attn(n x) + s ffn(n' x), both of the same x
//   post_norms   as the others, with a norm on each branch before it is added
struct LayerSpec {
  AttnSpec attn;
  FfnSpec ffn;
  bool parallel = false;
  bool shared_norm = false;  // parallel: one norm feeds both branches
  bool pre_norms = true;     // false: branches read the stream as it is; only with post_norms
  bool post_norms = false;   // not with parallel
};

struct ModelSpec {
  std::string architecture;  // as config.json names it: "LlamaForCausalLM"
  int dim = 0;
  int vocab = 0;    // rows of embedding and head; a tokenizer may know fewer ids
  int context = 0;  // positions the model was made for
  NormSpec norm;
  float norm_offset = 0;     // 1: norms multiply by 1 + w
  bool norm_weights = true;  // false: norms only normalize
  bool tied_head = false;
  float embed_scale = 1;
  bool embed_norm = false;         // a norm behind the embedding
  int position_rows = 0;           // of a table of learned positions; 0 = none
  int position_offset = 0;         // the row of position 0
  float residual_scale = 1;        // of what a branch adds to the residual stream
  float logit_scale = 1;           // multiplies logits
  float logit_softcap = 0;         // then c tanh(x / c); 0 = off
  bool normalize_head = false;     // rows of the head have length 1
  std::vector<RopeTable> ropes;    // AttnSpec::rope indexes it
  std::vector<AlibiSlopes> alibi;  // AttnSpec::alibi indexes it
  std::vector<LayerSpec> layers;
  std::vector<int32_t> eos_ids;    // from config.json; generation_config.json may add some
  int32_t bos_id = -1;             // -1 = none
  std::vector<std::string> notes;  // what a user should know: limits that this program sets, one line each

  int Layers() const { return static_cast<int>(layers.size()); }
  int64_t LayerParameters() const;        // weights of all layers' matrices, without embedding and head
  int64_t ActiveLayerParameters() const;  // those that one token uses: of a mixture only its experts
  int64_t Parameters() const;             // everything; a tied head counts once
};

// Keys and values of every layer, all in one group: no layer here forgets.
KvLayout MakeKvLayout(const ModelSpec& spec, DType kv_dtype);

}  // namespace spate
