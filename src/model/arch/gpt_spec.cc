#include "model/arch/gpt_spec.h"

#include "base/error.h"
#include "base/json.h"
#include "model/arch/config_fields.h"

namespace spate {

ModelSpec GptSpec(const nlohmann::json& config, const GptKeys& keys) {
  ModelSpec spec;
  spec.dim = WholeField(config, keys.dim, {});
  spec.vocab = WholeField(config, "vocab_size", {}, 1 << 26);
  spec.context = WholeField(config, keys.context, 2048, 1 << 30);
  spec.norm = {NormKind::kLayer, FloatField(config, keys.eps, 1e-5, 0, 1)};
  spec.tied_head = GetBool(config, "tie_word_embeddings", keys.tied, kConfigFile);
  ReadTokenIds(config, spec);

  const int heads = WholeField(config, keys.heads, {}, 1 << 16);
  if (spec.dim % heads != 0) {
    throw Error(ErrorCode::kBadInput, "{}: {} {} is not a multiple of {} {}", kConfigFile, keys.dim, spec.dim,
                keys.heads, heads);
  }
  LayerSpec layer;
  layer.attn = MakeAttn(spec.dim, heads, heads, {});
  layer.attn.rope = -1;
  layer.ffn.hidden = WholeField(config, keys.ffn, int64_t{4} * spec.dim, 4 * kMaxWidth);
  layer.ffn.act = ActField(config, keys.act, keys.default_act);
  layer.ffn.gated = false;
  spec.layers.assign(static_cast<size_t>(WholeField(config, keys.layers, {}, kMaxLayers)), layer);
  return spec;
}

void AddPositionTable(ModelSpec& spec, int offset) {
  spec.position_offset = offset;
  spec.position_rows = spec.context + offset;
}

void AddAlibi(ModelSpec& spec, double max_bias) {
  spec.alibi.push_back(MakeAlibi(spec.layers.front().attn.heads, max_bias));
  ForLayers(spec, [](LayerSpec& layer) {
    layer.attn.rope = -1;
    layer.attn.alibi = 0;
  });
}

}  // namespace spate
