// What a GGUF file says about rotary embedding, as config.json says it: keys rope.*, and the tensors rope_freqs,
// rope_factors_long and rope_factors_short, which hold what no key does. Pure functions that throw Error(kBadInput).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "checkpoint/gguf_archs.h"

namespace spate {

// `head` is the size of a head.
void AddRope(const GgufArch& arch, const GgufFile& file, int64_t head, GgufHyper* hyper, nlohmann::json* config);

// Whether AddRope has read the tensor, so that nobody else needs to.
bool IsRopeTensor(std::string_view name);

}  // namespace spate
