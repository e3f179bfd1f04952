// A GGUF file's hyper-parameters as the config.json that the same model has in a Hugging Face folder, so that code for
// an architecture reads one spelling. Pure functions.
//
//   const ModelSpec spec = MakeSpec(GgufConfig(opened.file));
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "checkpoint/gguf.h"

namespace spate {

// How tensors differ from those of the Hugging Face folder, beyond their names.
struct GgufDialect {
  // Rows of q and k are ordered for a rotation of neighbours (2i, 2i + 1), where the folder's are for (i, i + d/2).
  bool adjacent_pairs = false;
  // The weights of norms hold the 1 that the architecture adds to them.
  bool norms_hold_one = false;
};

// Beside what config.json files have there is the RoPE scaling {"rope_type": "factors", "factors": [...]}: each
// frequency is divided by its factor.
// Throws Error(kBadInput): an architecture without a table here, keys that are missing, of another type or out of
// range, and keys that would change what is computed and are not known.
nlohmann::json GgufConfig(const GgufFile& file);

// Throws Error(kBadInput) for an architecture without a table here.
GgufDialect DialectOf(const GgufFile& file);

std::vector<std::string_view> KnownGgufArchs();  // as general.architecture names them

}  // namespace spate
