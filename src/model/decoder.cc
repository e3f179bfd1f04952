#include "model/decoder.h"

#include <algorithm>

#include "base/check.h"

namespace spate {

Mat Decoder::Forward(const Batch& batch, int first_layer, int last_layer, Mat hidden) {
  CHECK(0 <= first_layer && first_layer <= last_layer && last_layer <= spec_.Layers(), "layers {} to {} of {}",
        first_layer, last_layer, spec_.Layers());
  ops_.Begin(batch);
  Mat x = first_layer == 0 ? ops_.Scratch(Buf::kResidual, batch.tokens, spec_.dim) : hidden;
  if (first_layer == 0) ops_.Embed(*weights_.embed, batch, x);
  ops_.Tap("embed", -1, x);

  const Mat normed = ops_.Scratch(Buf::kNormed, batch.tokens, spec_.dim);
  for (int l = first_layer; l < last_layer; ++l) {
    const LayerSpec& layer = spec_.layers[static_cast<size_t>(l)];
    const LayerWeights& w = weights_.layers[static_cast<size_t>(l)];

    ops_.AddNorm(*w.attn_norm, spec_.norm, nullptr, x, normed);
    const Mat qkv = ops_.Scratch(Buf::kQkv, batch.tokens, layer.attn.QkvWidth());
    ops_.Apply(*w.qkv, normed, qkv, {});
    const Mat mixed = ops_.Scratch(Buf::kMixed, batch.tokens, layer.attn.QueryWidth());
    ops_.Attend(layer.attn, l, batch, qkv, mixed);
    ops_.Apply(*w.attn_out, mixed, x, {.kind = Epilogue::Kind::kAddTo});
    ops_.Tap("attention", l, x);

    ops_.AddNorm(*w.ffn_norm, spec_.norm, nullptr, x, normed);
    const Mat gated = ops_.Scratch(Buf::kHidden, batch.tokens, layer.ffn.hidden);
    ops_.Apply(*w.gate_up, normed, gated, {.kind = Epilogue::Kind::kGate, .act = layer.ffn.act});
    ops_.Apply(*w.down, gated, x, {.kind = Epilogue::Kind::kAddTo});
    ops_.Tap("layer", l, x);
  }
  if (last_layer < spec_.Layers()) return x;

  const Mat last = ops_.Scratch(Buf::kGathered, batch.outputs, spec_.dim);
  const Mat logits = ops_.Scratch(Buf::kLogits, batch.outputs, spec_.vocab);
  if (batch.outputs == 0) return logits;  // a step of prefill chunks none of which ends its prompt
  ops_.GatherRows(batch, x, last);
  ops_.AddNorm(*weights_.final_norm, spec_.norm, nullptr, last, last);
  ops_.Apply(*weights_.head, last, logits, {});
  ops_.Tap("logits", -1, logits);
  return logits;
}

OpsConfig PlanOps(const ModelSpec& spec, DType kv_dtype) {
  OpsConfig config;
  config.dim = spec.dim;
  config.vocab = spec.vocab;
  config.ropes = spec.ropes;
  config.kv = MakeKvLayout(spec, kv_dtype);
  for (const LayerSpec& layer : spec.layers) {
    config.max_qkv = std::max(config.max_qkv, layer.attn.QkvWidth());
    config.max_mixed = std::max(config.max_mixed, layer.attn.QueryWidth());
    config.max_hidden = std::max(config.max_hidden, layer.ffn.hidden);
  }
  return config;
}

}  // namespace spate
