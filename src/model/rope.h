// inv_freq[] of every RoPE scaling scheme, made at load from the "rope_scaling" of config.json, in the
// arithmetic (f32) and to the formulas of the reference implementations:
//   default   theta^(-2i/dims)                                  arXiv 2104.09864
//   linear    the same / factor                                 arXiv 2306.15595
//   llama3    by wavelength: kept, / factor, or blended          Llama 3.1's published configuration
#pragma once

#include <nlohmann/json.hpp>

#include "backend/op_params.h"

namespace spate {

// `config` is the whole config.json, `dims` how many leading values of a head are rotated. Throws Error(kBadInput) for
// a scheme that is not known (with the list of those that are), or for missing or impossible numbers.
RopeTable MakeRope(const nlohmann::json& config, int dims, RopeStyle style);

}  // namespace spate
