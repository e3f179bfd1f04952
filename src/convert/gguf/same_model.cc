#include "convert/gguf/same_model.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>
#include <type_traits>

namespace spate {
namespace {

// Collects the first difference.
class Comparison {
 public:
  template <typename T>
  void Field(std::string_view name, const T& a, const T& b) {
    if (!difference_.empty() || a == b) return;
    if constexpr (std::is_enum_v<T>) {
      difference_ = fmt::format("{} {} and {}", name, static_cast<int>(a), static_cast<int>(b));
    } else {
      difference_ = fmt::format("{} {} and {}", name, a, b);
    }
  }

  void Norm(std::string_view name, const NormSpec& a, const NormSpec& b) {
    Field(fmt::format("{} kind", name), a.kind, b.kind);
    Field(fmt::format("{} epsilon", name), a.eps, b.eps);
  }

  void Rope(const RopeTable& a, const RopeTable& b) {
    Field("rotated pairs", a.inv_freq.size(), b.inv_freq.size());
    Field("style of rotation", a.style, b.style);
    Field("magnitude of rotation", a.magnitude, b.magnitude);
    for (size_t i = 0; difference_.empty() && i < a.inv_freq.size(); ++i) {
      constexpr float kRoundings = 3e-7f;  // some units in the last place
      if (std::fabs(a.inv_freq[i] - b.inv_freq[i]) > kRoundings * std::fabs(a.inv_freq[i])) {
        Field(fmt::format("frequency {}", i), a.inv_freq[i], b.inv_freq[i]);
      }
    }
  }

  void Attention(const AttnSpec& a, const AttnSpec& b) {
    Field("heads", a.heads, b.heads);
    Field("key/value heads", a.kv_heads, b.kv_heads);
    Field("head size", a.head_dim, b.head_dim);
    Field("attention scale", a.scale, b.scale);
    Field("rope", a.rope, b.rope);
    Field("window", a.window, b.window);
    Field("attention softcap", a.softcap, b.softcap);
    Field("alibi", a.alibi, b.alibi);
    Field("clip", a.clip, b.clip);
    Field("query/key norm", a.qk_norm, b.qk_norm);
    if (a.qk_norm != QkNorm::kNone) Norm("query/key norm", a.qk_norm_spec, b.qk_norm_spec);
  }

  void Ffn(const FfnSpec& a, const FfnSpec& b) {
    Field("FFN width", a.hidden, b.hidden);
    Field("activation", a.act, b.act);
    Field("gated", a.gated, b.gated);
    Field("experts", a.experts, b.experts);
    Field("active experts", a.active, b.active);
    if (a.experts > 0) Field("renormalized experts", a.renormalize, b.renormalize);
    Field("shared expert", a.shared_hidden, b.shared_hidden);
    Field("gate of the shared expert", a.shared_gate, b.shared_gate);
  }

  void Layer(const LayerSpec& a, const LayerSpec& b) {
    Attention(a.attn, b.attn);
    Ffn(a.ffn, b.ffn);
    Field("parallel", a.parallel, b.parallel);
    Field("shared norm", a.shared_norm, b.shared_norm);
    Field("norms before", a.pre_norms, b.pre_norms);
    Field("norms behind", a.post_norms, b.post_norms);
  }

  const std::string& difference() const { return difference_; }

 private:
  std::string difference_;
};

}  // namespace

std::string DifferenceOf(const ModelSpec& a, const ModelSpec& b) {
  Comparison c;
  c.Field("width", a.dim, b.dim);
  c.Field("vocabulary", a.vocab, b.vocab);
  c.Field("context", a.context, b.context);
  c.Field("layers", a.layers.size(), b.layers.size());
  c.Norm("norm", a.norm, b.norm);
  c.Field("offset of norms", a.norm_offset, b.norm_offset);
  c.Field("weights of norms", a.norm_weights, b.norm_weights);
  c.Field("tied head", a.tied_head, b.tied_head);
  c.Field("embedding scale", a.embed_scale, b.embed_scale);
  c.Field("embedding norm", a.embed_norm, b.embed_norm);
  c.Field("rows of positions", a.position_rows, b.position_rows);
  c.Field("offset of positions", a.position_offset, b.position_offset);
  c.Field("residual scale", a.residual_scale, b.residual_scale);
  c.Field("logit scale", a.logit_scale, b.logit_scale);
  c.Field("logit softcap", a.logit_softcap, b.logit_softcap);
  c.Field("normalized head", a.normalize_head, b.normalize_head);
  c.Field("rope tables", a.ropes.size(), b.ropes.size());
  c.Field("alibi tables", a.alibi.size(), b.alibi.size());
  if (!c.difference().empty()) return c.difference();
  for (size_t i = 0; i < a.ropes.size(); ++i) c.Rope(a.ropes[i], b.ropes[i]);
  for (size_t i = 0; i < a.alibi.size(); ++i) {
    c.Field("equal slopes of alibi", a.alibi[i] == b.alibi[i], true);
  }
  for (size_t i = 0; i < a.layers.size() && c.difference().empty(); ++i) c.Layer(a.layers[i], b.layers[i]);
  return c.difference();
}

}  // namespace spate
