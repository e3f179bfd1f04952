#include "model/decoder.h"

#include <algorithm>

#include "base/check.h"

namespace spate {

Mat Decoder::Forward(const Batch& batch, int first_layer, int last_layer, Mat hidden) {
  CHECK(0 <= first_layer && first_layer <= last_layer && last_layer <= spec_.Layers(), "layers {} to {} of {}",
        first_layer, last_layer, spec_.Layers());
  ops_.Begin(batch);
  const Mat x = first_layer == 0 ? Embed(batch) : hidden;
  for (int l = first_layer; l < last_layer; ++l) {
    Layer(batch, l, x);
    ops_.Tap("layer", l, x);
  }
  return last_layer < spec_.Layers() ? x : Logits(batch, x);
}

Mat Decoder::Embed(const Batch& batch) {
  const Mat x = ops_.Scratch(Buf::kResidual, batch.tokens, spec_.dim);
  ops_.Embed(*weights_.embed, spec_.embed_scale, batch, x);
  if (weights_.positions) ops_.AddPositions(*weights_.positions, spec_.position_offset, batch, x);
  if (weights_.embed_norm) ops_.AddNorm(*weights_.embed_norm, spec_.norm, nullptr, x, x);
  ops_.Tap("embed", -1, x);
  return x;
}

void Decoder::Layer(const Batch& batch, int l, Mat x) {
  const LayerSpec& layer = spec_.layers[static_cast<size_t>(l)];
  const LayerWeights& w = weights_.layers[static_cast<size_t>(l)];
  const Epilogue add{.kind = Epilogue::Kind::kAddTo, .scale = spec_.residual_scale};
  const Mat normed = ops_.Scratch(Buf::kNormed, batch.tokens, spec_.dim);

  if (layer.pre_norms) ops_.AddNorm(*w.attn_norm, spec_.norm, nullptr, x, normed);
  const Mat mixed = Attention(batch, l, layer.pre_norms ? normed : x);

  if (layer.parallel) {  // the other branch reads the same x, so its norm comes before anything is added
    if (!layer.shared_norm) {
      const Mat other = ops_.Scratch(Buf::kBranch, batch.tokens, spec_.dim);
      ops_.AddNorm(*w.ffn_norm, spec_.norm, nullptr, x, other);
      ops_.Apply(*w.attn_out, mixed, x, add);
      FeedForward(l, other, x, add);
      return;
    }
    ops_.Apply(*w.attn_out, mixed, x, add);
    FeedForward(l, normed, x, add);
    return;
  }
  if (!layer.post_norms) {
    ops_.Apply(*w.attn_out, mixed, x, add);
    ops_.Tap("attention", l, x);
    ops_.AddNorm(*w.ffn_norm, spec_.norm, nullptr, x, normed);
    FeedForward(l, normed, x, add);
    return;
  }
  const Epilogue store{.scale = spec_.residual_scale};
  const Mat branch = ops_.Scratch(Buf::kBranch, batch.tokens, spec_.dim);
  ops_.Apply(*w.attn_out, mixed, branch, store);
  ops_.AddNorm(*w.post_attn_norm, spec_.norm, nullptr, branch, branch);
  if (layer.pre_norms) {
    ops_.AddNorm(*w.ffn_norm, spec_.norm, &branch, x, normed);
  } else {
    ops_.Add(branch, x);
  }
  ops_.Tap("attention", l, x);
  FeedForward(l, layer.pre_norms ? normed : x, branch, store);
  ops_.AddNorm(*w.post_ffn_norm, spec_.norm, nullptr, branch, branch);
  ops_.Add(branch, x);
}

Mat Decoder::Attention(const Batch& batch, int l, Mat in) {
  const AttnSpec& attn = spec_.layers[static_cast<size_t>(l)].attn;
  const LayerWeights& w = weights_.layers[static_cast<size_t>(l)];
  const Mat qkv = ops_.Scratch(Buf::kQkv, batch.tokens, attn.QkvWidth());
  ops_.Apply(*w.qkv, in, qkv, {});
  const Mat mixed = ops_.Scratch(Buf::kMixed, batch.tokens, attn.QueryWidth());
  ops_.Attend(attn, {.query = w.q_norm.get(), .key = w.k_norm.get()}, l, batch, qkv, mixed);
  return mixed;
}

void Decoder::FeedForward(int l, Mat in, Mat out, const Epilogue& epilogue) {
  const FfnSpec& ffn = spec_.layers[static_cast<size_t>(l)].ffn;
  const LayerWeights& w = weights_.layers[static_cast<size_t>(l)];
  const Epilogue act{.kind = ffn.gated ? Epilogue::Kind::kGate : Epilogue::Kind::kAct, .act = ffn.act};
  if (ffn.experts == 0) {
    const Mat hidden = ops_.Scratch(Buf::kHidden, in.rows, ffn.hidden);
    ops_.Apply(*w.gate_up, in, hidden, act);
    ops_.Apply(*w.down, hidden, out, epilogue);
    return;
  }
  ops_.Experts(ffn, *w.router, *w.gate_up, *w.down, in, out, epilogue);
  if (ffn.shared_hidden == 0) return;
  const Epilogue add{.kind = Epilogue::Kind::kAddTo, .scale = epilogue.scale};
  const Mat hidden = ops_.Scratch(Buf::kHidden, in.rows, ffn.shared_hidden);
  ops_.Apply(*w.shared_gate_up, in, hidden, act);
  if (!ffn.shared_gate) return ops_.Apply(*w.shared_down, hidden, out, add);
  const Mat shared = ops_.Scratch(Buf::kShared, in.rows, spec_.dim);
  ops_.Apply(*w.shared_down, hidden, shared, {});
  ops_.AddGated(*w.shared_gate, in, shared, epilogue.scale, out);
}

Mat Decoder::Logits(const Batch& batch, Mat x) {
  const Mat last = ops_.Scratch(Buf::kGathered, batch.outputs, spec_.dim);
  const Mat logits = ops_.Scratch(Buf::kLogits, batch.outputs, spec_.vocab);
  if (batch.outputs == 0) return logits;  // a step of prefill chunks none of which ends its prompt
  ops_.GatherRows(batch, x, last);
  ops_.AddNorm(*weights_.final_norm, spec_.norm, nullptr, last, last);
  ops_.Apply(*weights_.head, last, logits, {.scale = spec_.logit_scale});
  if (spec_.logit_softcap > 0) ops_.Softcap(spec_.logit_softcap, logits);
  ops_.Tap("logits", -1, logits);
  return logits;
}

OpsConfig PlanOps(const ModelSpec& spec, DType kv_dtype) {
  OpsConfig config;
  config.dim = spec.dim;
  config.vocab = spec.vocab;
  config.ropes = spec.ropes;
  config.alibi = spec.alibi;
  config.kv = MakeKvLayout(spec, kv_dtype);
  for (const LayerSpec& layer : spec.layers) {
    config.max_qkv = std::max(config.max_qkv, layer.attn.QkvWidth());
    config.max_mixed = std::max(config.max_mixed, layer.attn.QueryWidth());
    config.max_hidden = std::max({config.max_hidden, layer.ffn.hidden, layer.ffn.shared_hidden});
    config.max_experts = std::max(config.max_experts, layer.ffn.experts);
    config.max_active = std::max(config.max_active, layer.ffn.active);
  }
  return config;
}

}  // namespace spate
