#include "checkpoint/gguf_rope_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/error.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr std::string_view kFreqs = "rope_freqs.weight";
constexpr std::string_view kLong = "rope_factors_long.weight";
constexpr std::string_view kShort = "rope_factors_short.weight";
constexpr int64_t kMaxContext = int64_t{1} << 30;

// Factors of the frequencies, one for each rotated pair.
json Factors(const GgufFile& file, const GgufTensor& tensor, int64_t pairs) {
  const bool readable = tensor.type->dtype && IsWeightFormat(*tensor.type->dtype);
  if (tensor.shape != Shape{pairs} || !readable) {
    throw Error(ErrorCode::kBadInput, "{}: {}: {} in {}, expected [{}] in F32", file.what(), tensor.name,
                ToString(tensor.shape), tensor.type->name, pairs);
  }
  std::vector<float> factors(static_cast<size_t>(pairs));
  Unpack(*tensor.type->dtype, tensor.bytes.data(), factors.data(), factors.size());
  const auto bad = std::ranges::find_if(factors, [](float f) { return !std::isfinite(f) || f <= 0; });
  if (bad != factors.end()) {
    throw Error(ErrorCode::kBadInput, "{}: {}: factor {} is {}, expected a number above 0", file.what(), tensor.name,
                bad - factors.begin(), *bad);
  }
  return factors;
}

void SetIfThere(std::string_view key, const std::optional<double>& value, json* object) {
  if (value) (*object)[std::string(key)] = *value;
}

// Keys of all kinds of scaling.
struct Scaling {
  std::string kind;
  std::optional<double> factor;
  std::optional<int64_t> old_context;
  std::optional<double> attention;
};

Scaling ReadScaling(GgufHyper* hyper) {
  Scaling scaling;
  scaling.kind = hyper->FindString("rope.scaling.type").value_or("");
  scaling.factor = hyper->FindFloat("rope.scaling.factor", 0, 1e6);
  const std::optional<double> older = hyper->FindFloat("rope.scale_linear", 0, 1e6);
  if (older && *older > 0 && *older != 1 && scaling.kind.empty()) {
    scaling.kind = "linear";
    scaling.factor = older;
  }
  scaling.old_context = hyper->FindInt("rope.scaling.original_context_length", 1, kMaxContext);
  scaling.attention = hyper->FindFloat("rope.scaling.attn_factor", 1e-6, 1e6);
  if (const auto yarn = hyper->FindFloat("rope.scaling.yarn_attn_factor", 1e-6, 1e6)) scaling.attention = yarn;
  hyper->Ignore("rope.scaling.finetuned");
  return scaling;
}

json Yarn(const Scaling& scaling, GgufHyper* hyper) {
  if (!scaling.factor || *scaling.factor <= 0) hyper->Fail("rope.scaling.factor", "missing; yarn needs it");
  const double extrapolation = hyper->FindFloat("rope.scaling.yarn_ext_factor", -1, 1e6).value_or(1);
  if (extrapolation != 1 && extrapolation != -1) {  // -1: decided by the kind
    hyper->Fail("rope.scaling.yarn_ext_factor", fmt::format("expected 1, got {}", extrapolation));
  }
  json yarn = {{"rope_type", "yarn"}, {"factor", *scaling.factor}};
  if (scaling.old_context) yarn["original_max_position_embeddings"] = *scaling.old_context;
  SetIfThere("attention_factor", scaling.attention, &yarn);
  SetIfThere("beta_fast", hyper->FindFloat("rope.scaling.yarn_beta_fast", 0, 1e6), &yarn);
  SetIfThere("beta_slow", hyper->FindFloat("rope.scaling.yarn_beta_slow", 0, 1e6), &yarn);
  return yarn;
}

json LongRope(const Scaling& scaling, const GgufFile& file, int64_t pairs, GgufHyper* hyper) {
  const GgufTensor *const long_factors = file.Find(kLong), *const short_factors = file.Find(kShort);
  if (long_factors == nullptr || short_factors == nullptr) {
    hyper->Fail("rope.scaling.type", fmt::format("longrope needs the tensors {} and {}", kLong, kShort));
  }
  if (!scaling.old_context) hyper->Fail("rope.scaling.original_context_length", "missing; longrope needs it");
  json longrope = {{"rope_type", "longrope"},
                   {"long_factor", Factors(file, *long_factors, pairs)},
                   {"short_factor", Factors(file, *short_factors, pairs)},
                   {"original_max_position_embeddings", *scaling.old_context}};
  SetIfThere("attention_factor", scaling.attention, &longrope);
  if (scaling.factor.value_or(0) > 0) longrope["factor"] = *scaling.factor;
  return longrope;
}

// Null: none.
json MakeScaling(const Scaling& scaling, const GgufFile& file, int64_t pairs, GgufHyper* hyper) {
  const bool has_factors = file.Find(kLong) != nullptr || file.Find(kShort) != nullptr;
  const GgufTensor* freqs = file.Find(kFreqs);
  const bool none = scaling.kind.empty() || scaling.kind == "none";
  if (freqs != nullptr) {
    if (!none || has_factors) {
      hyper->Fail("rope.scaling.type", fmt::format("\"{}\" beside the tensor {}", scaling.kind, kFreqs));
    }
    return {{"rope_type", "factors"}, {"factors", Factors(file, *freqs, pairs)}};
  }
  if (scaling.kind == "longrope" || (none && has_factors)) return LongRope(scaling, file, pairs, hyper);
  if (has_factors) hyper->Fail("rope.scaling.type", fmt::format("\"{}\" beside the tensor {}", scaling.kind, kLong));
  if (scaling.kind == "yarn") return Yarn(scaling, hyper);
  if (scaling.attention.value_or(1) != 1) {
    hyper->Fail("rope.scaling.attn_factor", fmt::format("{} without a scaling that has one", *scaling.attention));
  }
  if (none) return nullptr;
  if (scaling.kind != "linear") {
    hyper->Fail("rope.scaling.type",
                fmt::format("\"{}\" is not known; known are none, linear, yarn, longrope", scaling.kind.substr(0, 40)));
  }
  const double factor = scaling.factor.value_or(0);
  if (factor == 0 || factor == 1) return nullptr;
  return {{"rope_type", "linear"}, {"factor", factor}};
}

}  // namespace

bool IsRopeTensor(std::string_view name) { return name == kFreqs || name == kLong || name == kShort; }

void AddRope(const GgufArch& arch, const GgufFile& file, int64_t head, GgufHyper* hyper, json* config) {
  const int64_t whole = head / arch.rotated_part;
  const int64_t rotated = hyper->FindInt("rope.dimension_count", 1, head).value_or(whole);
  if (rotated % 2 != 0 || (rotated != whole && arch.rotated_share.empty())) {
    hyper->Fail("rope.dimension_count", fmt::format("expected {}, got {}", whole, rotated));
  }
  if (rotated != whole) {
    (*config)[std::string(arch.rotated_share)] = static_cast<double>(rotated) / static_cast<double>(head);
  }
  (*config)["rope_theta"] = hyper->FindFloat("rope.freq_base", 1, 1e12).value_or(10000);
  const Scaling scaling = ReadScaling(hyper);
  if (scaling.old_context) (*config)["original_max_position_embeddings"] = *scaling.old_context;
  json made = MakeScaling(scaling, file, rotated / 2, hyper);
  if (!made.is_null()) (*config)["rope_scaling"] = std::move(made);
}

}  // namespace spate
