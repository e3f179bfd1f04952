// For each general.architecture of GGUF: the architecture's name in config.json and which keys stand there for which
// of the file's. Pure data.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "checkpoint/gguf_config.h"
#include "checkpoint/gguf_hyper.h"

namespace spate {

struct GgufConfigKey {
  enum Kind {
    kSize,    // an integer of at least 1
    kWindow,  // an integer; 0 is none and becomes null
    kNumber,
    kFlag
  };
  std::string_view gguf;    // without the architecture: "block_count"
  std::string_view config;  // "num_hidden_layers"
  Kind kind = kSize;
  bool required = false;
};

// A flag of config.json that GGUF expresses by a tensor that is there or not.
struct GgufTensorFlag {
  std::string_view tensor;
  std::string_view config;
};

struct GgufArch {
  std::string_view gguf;
  std::string_view config;  // "LlamaForCausalLM"
  GgufDialect dialect = {};
  std::span<const GgufConfigKey> keys = {};
  std::span<const GgufConfigKey> more = {};  // keys that only this one has
  std::span<const GgufTensorFlag> flags = {};
  std::string_view constants = "{}";       // JSON: fields that are the same for all files
  std::string_view head_dim = "head_dim";  // config.json's name for the size of a head; empty: it is hidden / heads
  bool rotates = true;
  std::string_view rotated_share = "partial_rotary_factor";  // likewise; empty: `rotated_part` says all
  int rotated_part = 1;                                      // 2: half of a head, without any setting that says so
  // What tables cannot express.
  void (*adjust)(GgufHyper& hyper, const GgufFile& file, nlohmann::json& config) = nullptr;
};

std::span<const GgufArch> GgufArchs();

}  // namespace spate
