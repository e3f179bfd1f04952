// What the names of GGUF files say: their quantization, and which of them are parts of one model. A hub's repository
// holds a model in many of them. Stateless, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spate {

// The quantization that a GGUF file is named after, in capitals: "Q4_K_M" of "model.q4_k_m-00001-of-00002.gguf";
// empty if its name carries none.
std::string QuantOf(std::string_view file);

// Whether the name carries the quantization: as a word of its own, whatever the case. "q4_k" is not in "Q4_K_M".
bool CarriesQuant(std::string_view file, std::string_view quant);

// One model in GGUF: a file, or the parts NAME-0000i-of-0000N.gguf of a split one in their order.
struct GgufModel {
  std::string quant;               // QuantOf
  std::vector<std::string> files;  // names; the first is what to open
  size_t parts = 1;                // that there should be
};

// The GGUF models among `names`, sorted by name; vision projectors and importance matrices are none.
std::vector<GgufModel> GgufModelsAmong(const std::vector<std::string>& names);

// The model of a quantization; an empty one means the only model, or Q4_K_M among several. Throws Error(kUsage) naming
// what there is, Error(kEnvironment) when a part of it is missing. `what` begins messages.
const GgufModel& ChooseGguf(const std::vector<GgufModel>& models, std::string_view quant, std::string_view what);

}  // namespace spate
