#include "model/rope.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr std::string_view kWhat = "config.json";

// What the schemes are computed from.
struct Source {
  const json& config;
  const json& scaling;
  std::string what;  // of `scaling`, for messages
  float theta = 0;
  int dims = 0;
};

// Wavelengths over 2 pi: theta^(2i/dims), in f32 throughout as the reference implementations do it.
std::vector<float> Wavelengths(float theta, int dims) {
  std::vector<float> lengths;
  for (int i = 0; i < dims / 2; ++i) {
    lengths.push_back(std::pow(theta, static_cast<float>(2 * i) / static_cast<float>(dims)));
  }
  return lengths;
}

std::vector<float> PlainFrequencies(float theta, int dims) {
  std::vector<float> inv_freq = Wavelengths(theta, dims);
  for (float& f : inv_freq) f = 1.0f / f;
  return inv_freq;
}

double Positive(const Source& s, std::string_view key, std::optional<double> fallback) {
  return GetFloat(s.scaling, key, fallback, 1e-6, 1e6, s.what);
}

// Positions the model was made for: it says so itself, beside the scaling in some files.
int Context(const Source& s) {
  return static_cast<int>(GetInt(s.config, "max_position_embeddings", {}, 1, 1 << 30, kWhat));
}

// Positions it was trained on before it was stretched.
int OriginalContext(const Source& s) {
  constexpr std::string_view kKey = "original_max_position_embeddings";
  if (FindField(s.config, kKey, kWhat) != nullptr) {
    return static_cast<int>(GetInt(s.config, kKey, {}, 1, 1 << 30, kWhat));
  }
  if (FindField(s.scaling, kKey, s.what) == nullptr) return Context(s);
  return static_cast<int>(GetInt(s.scaling, kKey, {}, 1, 1 << 30, s.what));
}

// A list with one number for each pair.
std::vector<float> Factors(const Source& s, std::string_view key) {
  const json* list = FindArray(s.scaling, key, s.what);
  const auto pairs = static_cast<size_t>(s.dims / 2);
  if (list == nullptr || list->size() != pairs) {
    throw Error(ErrorCode::kBadInput, "{}: {}: expected a list of {} numbers, one for each pair of values, got {}",
                s.what, key, pairs, list == nullptr ? "nothing" : fmt::format("{}", list->size()));
  }
  std::vector<float> factors;
  for (const json& factor : *list) {
    if (!factor.is_number() || !(factor.get<double>() >= 1e-6 && factor.get<double>() <= 1e6)) {
      throw Error(ErrorCode::kBadInput, "{}: {}: expected numbers from 1e-6 to 1e6, got {}", s.what, key,
                  DescribeJson(factor));
    }
    factors.push_back(factor.get<float>());
  }
  return factors;
}

RopeTable Default(const Source& s) { return {.inv_freq = PlainFrequencies(s.theta, s.dims)}; }

RopeTable Linear(const Source& s) {
  RopeTable table = Default(s);
  const auto factor = static_cast<float>(Positive(s, "factor", {}));
  for (float& f : table.inv_freq) f /= factor;
  return table;
}

RopeTable ByFactors(const Source& s) {
  RopeTable table = Default(s);
  const std::vector<float> factors = Factors(s, "factors");
  for (size_t i = 0; i < factors.size(); ++i) table.inv_freq[i] /= factors[i];
  return table;
}

// Long waves are stretched by `factor`, short ones kept, those between blended.
RopeTable Llama3(const Source& s) {
  const auto factor = static_cast<float>(Positive(s, "factor", {}));
  const auto low = static_cast<float>(Positive(s, "low_freq_factor", {}));
  const auto high = static_cast<float>(Positive(s, "high_freq_factor", {}));
  const auto old_context = static_cast<float>(OriginalContext(s));
  if (high <= low) {
    throw Error(ErrorCode::kBadInput, "{}: high_freq_factor {} must be above low_freq_factor {}", s.what, high, low);
  }
  RopeTable table = Default(s);
  for (float& f : table.inv_freq) {
    const float wavelength = 2.0f * std::numbers::pi_v<float> / f;
    if (wavelength < old_context / high) continue;
    if (wavelength > old_context / low) {
      f /= factor;
      continue;
    }
    const float smooth = (old_context / wavelength - low) / (high - low);
    f = (1.0f - smooth) * f / factor + smooth * f;
  }
  return table;
}

// A larger theta, so that the longest wave is stretched as much as the context.
RopeTable Dynamic(const Source& s) {
  const double factor = Positive(s, "factor", {});
  const double stretch = std::max(1.0, static_cast<double>(Context(s)) / OriginalContext(s));
  if (s.dims < 4) return Default(s);  // one pair turns by 1 whatever theta is
  const double theta = s.theta * std::pow(factor * stretch - (factor - 1), s.dims / (s.dims - 2.0));
  if (!(theta >= 1 && theta <= 1e30)) {
    throw Error(ErrorCode::kBadInput, "{}: factor {} over {} positions gives a theta of {}", s.what, factor, Context(s),
                theta);
  }
  return {.inv_freq = PlainFrequencies(static_cast<float>(theta), s.dims)};
}

// YaRN: by rotations over the original context; pairs with more than beta_fast are kept, with fewer than beta_slow
// stretched, those between blended.
RopeTable Yarn(const Source& s) {
  const double original = OriginalContext(s);
  double factor = Positive(s, "factor", 0.0);
  if (FindField(s.scaling, "factor", s.what) == nullptr) factor = Context(s) / original;
  const auto magnitude = [&](double scale) { return factor <= 1 ? 1.0 : 0.1 * scale * std::log(factor) + 1.0; };
  const double mscale = GetFloat(s.scaling, "mscale", 0.0, 0, 1e3, s.what);
  const double mscale_all = GetFloat(s.scaling, "mscale_all_dim", 0.0, 0, 1e3, s.what);
  const double inferred = mscale > 0 && mscale_all > 0 ? magnitude(mscale) / magnitude(mscale_all) : magnitude(1);

  const double fast = Positive(s, "beta_fast", 32.0);
  const double slow = Positive(s, "beta_slow", 1.0);
  if (s.theta <= 1) throw Error(ErrorCode::kBadInput, "{}: rope_theta: expected above 1, got {}", s.what, s.theta);
  const auto pair_of = [&](double rotations) {
    return s.dims * std::log(original / (rotations * 2 * std::numbers::pi)) / (2 * std::log(double{s.theta}));
  };
  double low = pair_of(fast);
  double high = pair_of(slow);
  if (GetBool(s.scaling, "truncate", true, s.what)) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, s.dims - 1.0);
  if (low == high) high += 0.001;

  RopeTable table;
  table.magnitude = static_cast<float>(Positive(s, "attention_factor", inferred));
  const std::vector<float> lengths = Wavelengths(s.theta, s.dims);
  for (size_t i = 0; i < lengths.size(); ++i) {
    const float ramp = (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low);
    const float kept = 1.0f - std::clamp(ramp, 0.0f, 1.0f);
    const float stretched = 1.0f / (static_cast<float>(factor) * lengths[i]);
    table.inv_freq.push_back(stretched * (1.0f - kept) + 1.0f / lengths[i] * kept);
  }
  return table;
}

// LongRoPE: a factor for each pair, found by search; one list for the original context, one for more.
RopeTable LongRope(const Source& s) {
  const double original = OriginalContext(s);
  const bool longer = Context(s) > original;
  const std::vector<float> factors = Factors(s, longer ? "long_factor" : "short_factor");
  const double factor = Positive(s, "factor", Context(s) / original);
  const double inferred = factor <= 1 || original <= 1 ? 1.0 : std::sqrt(1 + std::log(factor) / std::log(original));
  RopeTable table;
  table.magnitude = static_cast<float>(Positive(s, "attention_factor", inferred));
  const std::vector<float> lengths = Wavelengths(s.theta, s.dims);
  for (size_t i = 0; i < lengths.size(); ++i) table.inv_freq.push_back(1.0f / (factors[i] * lengths[i]));
  return table;
}

struct Scheme {
  std::string_view name;
  RopeTable (*make)(const Source& source);
};

constexpr std::array kSchemes = {
    Scheme{"default", Default}, Scheme{"linear", Linear},     Scheme{"llama3", Llama3}, Scheme{"dynamic", Dynamic},
    Scheme{"yarn", Yarn},       Scheme{"longrope", LongRope}, Scheme{"su", LongRope},   Scheme{"factors", ByFactors},
};

// Older files say rope_theta and rope_scaling; newer ones put both into rope_parameters.
std::pair<const json*, std::string_view> FindScaling(const json& config) {
  for (const std::string_view key : {"rope_parameters", "rope_scaling"}) {
    if (const json* scaling = FindObject(config, key, kWhat)) return {scaling, key};
  }
  return {nullptr, "rope_scaling"};
}

// "type" is the older spelling of "rope_type".
std::string Kind(const json& scaling, std::string_view what) {
  return GetString(scaling, "rope_type", GetString(scaling, "type", "default", what), what);
}

}  // namespace

RopeTable MakeRope(const json& config, int dims, RopeStyle style) {
  if (dims % 2 != 0 || dims < 2) {
    throw Error(ErrorCode::kBadInput, "{}: {} rotated values of a head; rotary embedding turns pairs of values", kWhat,
                dims);
  }
  const json none = json::object();
  const auto [found, where] = FindScaling(config);
  const json& scaling = found == nullptr ? none : *found;
  const std::string what = fmt::format("{}: {}", kWhat, where);
  const double theta =
      GetFloat(scaling, "rope_theta", GetFloat(config, "rope_theta", 10000.0, 1, 1e12, kWhat), 1, 1e12, what);
  const std::string kind = Kind(scaling, what);
  std::string known;
  for (const Scheme& scheme : kSchemes) {
    if (scheme.name == kind) {
      RopeTable table = scheme.make({config, scaling, what, static_cast<float>(theta), dims});
      table.style = style;
      return table;
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", scheme.name);
  }
  throw Error(ErrorCode::kBadInput, "{}: RoPE scaling \"{}\" is not known; known are {}", what, kind, known);
}

int RotatedDims(const json& config, int head_dim, double share) {
  constexpr std::string_view kKey = "partial_rotary_factor";
  share = GetFloat(config, kKey, share, 0, 1, kWhat);
  if (const json* scaling = FindScaling(config).first) share = GetFloat(*scaling, kKey, share, 0, 1, kWhat);
  return static_cast<int>(share * head_dim);
}

int StretchedContext(const json& config, int context) {
  const auto [scaling, where] = FindScaling(config);
  const std::string what = fmt::format("{}: {}", kWhat, where);
  if (scaling == nullptr || Kind(*scaling, what) != "yarn") return context;
  const Source source{config, *scaling, what};
  const double factor = Positive(source, "factor", 1.0);
  const double stretched = std::min(factor * OriginalContext(source), 1e9);
  return std::max(context, static_cast<int>(stretched));
}

}  // namespace spate
