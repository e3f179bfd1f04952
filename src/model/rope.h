// inv_freq[] of every RoPE scaling scheme, made at load from the "rope_scaling" of config.json, in the
// arithmetic (f32) and to the formulas of the reference implementations:
//   default   theta^(-2i/dims)                                  arXiv 2104.09864
//   linear    the same / factor                                 arXiv 2306.15595
//   llama3    by wavelength: kept, / factor, or blended          Llama 3.1's published configuration
//   dynamic   theta grown for the context (NTK-aware)            as implementations with a fixed context have it
//   yarn      by rotations: kept, / factor, or blended           arXiv 2309.00071
//   longrope  / a factor for each pair ("su" in older files)     arXiv 2402.13753
//   factors   the same, without two lists                        what GGUF stores for llama3
//
// dynamic and longrope are defined by the length of what is read: some implementations change the frequencies while a
// text grows. Here keys are rotated once, when they are written, so the numbers are chosen at load for the context that
// the model was made for (max_position_embeddings): plain frequencies and the short list where that is no more than
// original_max_position_embeddings, else those for the whole context.
#pragma once

#include <nlohmann/json.hpp>

#include "backend/op_params.h"

namespace spate {

// `config` is the whole config.json, `dims` how many leading values of a head are rotated. Throws Error(kBadInput) for
// a scheme that is not known (with the list of those that are), or for missing or impossible numbers.
RopeTable MakeRope(const nlohmann::json& config, int dims, RopeStyle style);

// How many leading values of a head are rotated: "partial_rotary_factor" (without it `share`) of head_dim.
int RotatedDims(const nlohmann::json& config, int head_dim, double share);

// The context that a YaRN scaling was set for, where that is more than `context` (max_position_embeddings): people add
// it to a published config.json as its model card says, without changing the rest.
int StretchedContext(const nlohmann::json& config, int context);

}  // namespace spate
