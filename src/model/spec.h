// ModelSpec: everything the decoder needs to know about an architecture, as plain data. Made once at load
// from config.json (model/arch.h), immutable afterwards. It names no tensor, device, number format or rank.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/op_params.h"

namespace spate {

struct FfnSpec {
  int hidden = 0;
  Act act = Act::kSilu;
};

struct LayerSpec {
  AttnSpec attn;
  FfnSpec ffn;
};

struct ModelSpec {
  std::string architecture;  // as config.json names it: "LlamaForCausalLM"
  int dim = 0;
  int vocab = 0;    // rows of embedding and head; a tokenizer may know fewer ids
  int context = 0;  // positions the model was made for
  NormSpec norm;
  bool tied_head = false;
  std::vector<RopeTable> ropes;  // AttnSpec::rope indexes it
  std::vector<LayerSpec> layers;
  std::vector<int32_t> eos_ids;    // from config.json; generation_config.json may add some
  int32_t bos_id = -1;             // -1 = none
  std::vector<std::string> notes;  // what a user should know: limits that this program sets, one line each

  int Layers() const { return static_cast<int>(layers.size()); }
  int64_t LayerParameters() const;  // weights of all layers' matrices, without embedding and head
  int64_t Parameters() const;       // everything; a tied head counts once
};

// Keys and values of every layer, all in one group: no layer here forgets.
KvLayout MakeKvLayout(const ModelSpec& spec, DType kv_dtype);

}  // namespace spate
