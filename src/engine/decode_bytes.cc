#include "engine/decode_bytes.h"

namespace spate {

double DecodeBytesPerToken(const Model& model, const RequestTimings& timings) {
  const double context = timings.prompt_tokens + timings.output_tokens / 2.0;
  return static_cast<double>(model.weights.BytesPerToken(model.spec)) +
         context * static_cast<double>(MakeKvLayout(model.spec, model.kv_dtype).BytesPerToken(0));
}

}  // namespace spate
