#include "model/rope.h"

#include <cmath>
#include <numbers>
#include <string>

#include "base/error.h"
#include "base/json.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr std::string_view kWhat = "config.json";

// theta^(-2i/dims), in f32 throughout as the reference does it.
std::vector<float> PlainFrequencies(float theta, int dims) {
  std::vector<float> inv_freq;
  for (int i = 0; i < dims / 2; ++i) {
    inv_freq.push_back(1.0f / std::pow(theta, static_cast<float>(2 * i) / static_cast<float>(dims)));
  }
  return inv_freq;
}

// Llama 3.1: long waves are stretched by `factor`, short ones kept, those between blended.
void ScaleLlama3(const json& scaling, std::string_view what, std::vector<float>& inv_freq) {
  const auto factor = static_cast<float>(GetFloat(scaling, "factor", {}, 1e-6, 1e6, what));
  const auto low = static_cast<float>(GetFloat(scaling, "low_freq_factor", {}, 1e-6, 1e6, what));
  const auto high = static_cast<float>(GetFloat(scaling, "high_freq_factor", {}, 1e-6, 1e6, what));
  const auto old_context =
      static_cast<float>(GetInt(scaling, "original_max_position_embeddings", {}, 1, 1 << 30, what));
  if (high <= low) {
    throw Error(ErrorCode::kBadInput, "{}: high_freq_factor {} must be above low_freq_factor {}", what, high, low);
  }
  for (float& f : inv_freq) {
    const float wavelength = 2.0f * std::numbers::pi_v<float> / f;
    if (wavelength < old_context / high) continue;
    if (wavelength > old_context / low) {
      f /= factor;
      continue;
    }
    const float smooth = (old_context / wavelength - low) / (high - low);
    f = (1.0f - smooth) * f / factor + smooth * f;
  }
}

}  // namespace

RopeTable MakeRope(const json& config, int dims, RopeStyle style) {
  // Older files say rope_theta and rope_scaling; newer ones put both into rope_parameters.
  const json* scaling = FindObject(config, "rope_parameters", kWhat);
  const char* where = "rope_parameters";
  if (scaling == nullptr) {
    scaling = FindObject(config, "rope_scaling", kWhat);
    where = "rope_scaling";
  }
  const std::string what = fmt::format("{}: {}", kWhat, where);
  double theta = GetFloat(config, "rope_theta", 10000.0, 1, 1e12, kWhat);
  std::string kind = "default";
  if (scaling != nullptr) {
    theta = GetFloat(*scaling, "rope_theta", theta, 1, 1e12, what);
    // "type" is the older spelling of "rope_type".
    kind = GetString(*scaling, "rope_type", GetString(*scaling, "type", "default", what), what);
  }
  if (dims % 2 != 0 || dims < 2) {
    throw Error(ErrorCode::kBadInput, "{}: {} rotated values of a head; rotary embedding turns pairs of values", kWhat,
                dims);
  }

  RopeTable table{.style = style, .inv_freq = PlainFrequencies(static_cast<float>(theta), dims), .magnitude = 1.0f};
  if (kind == "default") return table;
  if (kind == "linear") {
    const auto factor = static_cast<float>(GetFloat(*scaling, "factor", {}, 1e-6, 1e6, what));
    for (float& f : table.inv_freq) f /= factor;
    return table;
  }
  if (kind == "llama3") {
    ScaleLlama3(*scaling, what, table.inv_freq);
    return table;
  }
  throw Error(ErrorCode::kBadInput, "{}: RoPE scaling \"{}\" is not known; known are default, linear, llama3", what,
              kind);
}

}  // namespace spate
