#include "convert/gguf/gguf_rope_export.h"

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/json.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr std::string_view kWhat = "config.json";
constexpr std::string_view kOriginal = "original_max_position_embeddings";

// Newer files put all about rotation into one object.
const json* FindScaling(const json& config) {
  const json* newer = FindObject(config, "rope_parameters", kWhat);
  return newer != nullptr ? newer : FindObject(config, "rope_scaling", kWhat);
}

std::string KindOf(const json* scaling) {
  if (scaling == nullptr) return "default";
  return GetString(*scaling, "rope_type", GetString(*scaling, "type", "default", kWhat), kWhat);
}

double Theta(const json& config, const json* scaling) {
  const double theta = GetFloat(config, "rope_theta", 10000.0, 1, 1e12, kWhat);
  return scaling == nullptr ? theta : GetFloat(*scaling, "rope_theta", theta, 1, 1e12, kWhat);
}

// The factor that makes `scaled` of `plain` as readers compute it, in f32: the quotient, or a neighbour of it.
float FactorOf(float plain, float scaled) {
  const float quotient = plain / scaled;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float factor : {quotient, std::nextafter(quotient, kInfinity), std::nextafter(quotient, 0.0f)}) {
    if (plain / factor == scaled) return factor;
  }
  return quotient;
}

// For schemes that divide frequencies by something, whatever their formula.
GgufValues FactorsOf(double theta, const RopeTable& rope) {
  GgufValues tensor{"rope_freqs.weight", {}};
  const size_t pairs = rope.inv_freq.size();
  for (size_t i = 0; i < pairs; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(2 * pairs);
    const float plain = 1.0f / std::pow(static_cast<float>(theta), exponent);
    tensor.values.push_back(FactorOf(plain, rope.inv_freq[i]));
  }
  return tensor;
}

void AddOriginalContext(const std::string& prefix, const json& config, const json& scaling, GgufHeader* header) {
  for (const json* place : {&config, &scaling}) {
    if (FindField(*place, kOriginal, kWhat) == nullptr) continue;
    const int64_t context = GetInt(*place, kOriginal, std::nullopt, 1, int64_t{1} << 30, kWhat);
    header->U32(prefix + "rope.scaling.original_context_length", static_cast<uint32_t>(context));
    return;
  }
}

void AddFactor(const std::string& prefix, const json& scaling, GgufHeader* header) {
  if (FindField(scaling, "factor", kWhat) == nullptr) return;
  header->F32(prefix + "rope.scaling.factor",
              static_cast<float>(GetFloat(scaling, "factor", std::nullopt, 1e-6, 1e6, kWhat)));
}

std::vector<float> Floats(const json& scaling, std::string_view key) {
  std::vector<float> values;
  const json* list = FindArray(scaling, key, kWhat);
  if (list == nullptr) return values;
  for (const json& value : *list) {
    if (!value.is_number()) {
      throw Error(ErrorCode::kBadInput, "{}: {}: expected numbers, got {}", kWhat, key, DescribeJson(value));
    }
    values.push_back(value.get<float>());
  }
  return values;
}

}  // namespace

std::vector<GgufValues> AddRopeParameters(const GgufFamily& family, const json& config, const ModelSpec& spec,
                                          GgufHeader* header) {
  if (spec.ropes.empty()) return {};
  const std::string prefix = std::string(family.gguf) + ".";
  const RopeTable& rope = spec.ropes.front();
  const json* scaling = FindScaling(config);
  const std::string kind = KindOf(scaling);
  const double theta = Theta(config, scaling);
  header->U32(prefix + "rope.dimension_count", static_cast<uint32_t>(2 * rope.inv_freq.size()));
  header->F32(prefix + "rope.freq_base", static_cast<float>(theta));
  if (kind == "default") return {};
  if (kind == "linear" || kind == "yarn") {
    header->String(prefix + "rope.scaling.type", kind);
    AddFactor(prefix, *scaling, header);
    if (kind == "linear") return {};
    AddOriginalContext(prefix, config, *scaling, header);
    for (const std::string_view beta : {"beta_fast", "beta_slow"}) {
      if (FindField(*scaling, beta, kWhat) == nullptr) continue;
      header->F32(fmt::format("{}rope.scaling.yarn_{}", prefix, beta),
                  static_cast<float>(GetFloat(*scaling, beta, std::nullopt, 0, 1e6, kWhat)));
    }
    return {};
  }
  if (kind == "longrope" || kind == "su") {
    if (!family.longrope) {
      throw Error(ErrorCode::kBadInput, "{}: RoPE scaling \"{}\", which GGUF has for other architectures than {}",
                  kWhat, kind, family.config);
    }
    header->String(prefix + "rope.scaling.type", "longrope");
    AddOriginalContext(prefix, config, *scaling, header);
    header->F32(prefix + "rope.scaling.attn_factor", rope.magnitude);
    return {{"rope_factors_long.weight", Floats(*scaling, "long_factor")},
            {"rope_factors_short.weight", Floats(*scaling, "short_factor")}};
  }
  return {FactorsOf(theta, rope)};
}

}  // namespace spate
