#include "convert/bad_values.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "quant/float8.h"

namespace spate {
namespace {

// Elements that are looked at together: a run without bad values is passed over by a loop that vectorizes.
constexpr int64_t kRun = 2048;

// Where a block keeps its f16 scales: all that can make its values bad. -1 = no second one.
struct ScalePlaces {
  int first = -1;
  int second = -1;
};

ScalePlaces PlacesOf(DType format) {
  switch (format) {
    case DType::kQ4_0:
    case DType::kQ5_0:
    case DType::kQ8_0:
    case DType::kIQ4_NL:
    case DType::kIQ4_XS:
      return {0, -1};
    case DType::kQ4_1:
    case DType::kQ5_1:
    case DType::kQ4_K:
    case DType::kQ5_K:
      return {0, 2};
    case DType::kQ2_K:
      return {80, 82};
    case DType::kQ3_K:
      return {108, -1};
    case DType::kQ6_K:
      return {208, -1};
    default:
      return {};
  }
}

// An exponent of ones, where an element's bits are Bits.
template <typename Bits, Bits kExponent>
bool AnyBad(const std::byte* data, int64_t elements) {
  unsigned bad = 0;
  for (int64_t i = 0; i < elements; ++i) {
    Bits bits;
    std::memcpy(&bits, data + i * static_cast<int64_t>(sizeof(Bits)), sizeof(bits));
    bad |= static_cast<unsigned>((bits & kExponent) == kExponent);
  }
  return bad != 0;
}

bool AnyBadPlain(DType format, const std::byte* data, int64_t elements) {
  switch (format) {
    case DType::kF32:
      return AnyBad<uint32_t, 0x7f800000u>(data, elements);
    case DType::kF16:
      return AnyBad<uint16_t, 0x7c00>(data, elements);
    case DType::kBF16:
      return AnyBad<uint16_t, 0x7f80>(data, elements);
    case DType::kF64:
      return AnyBad<uint64_t, 0x7ff0000000000000u>(data, elements);
    case DType::kF8E4M3:
      return AnyBad<uint8_t, 0x7f>(data, elements);
    case DType::kF8E5M2:
      return AnyBad<uint8_t, 0x7c>(data, elements);
    default:
      return false;
  }
}

// Like Unpack, and of the formats that it does not read; a finite f64 stays finite.
void UnpackAny(DType format, const std::byte* data, int64_t elements, float* out) {
  const auto each = [&](auto to_float) {
    for (int64_t i = 0; i < elements; ++i) out[i] = to_float(data + i * Traits(format).block_bytes);
  };
  switch (format) {
    case DType::kF8E4M3:
      return each([](const std::byte* at) { return ToFloatE4M3(std::to_integer<uint8_t>(*at)); });
    case DType::kF8E5M2:
      return each([](const std::byte* at) { return ToFloatE5M2(std::to_integer<uint8_t>(*at)); });
    case DType::kF64:
      return each([](const std::byte* at) {
        double value;
        std::memcpy(&value, at, sizeof(value));
        return std::isfinite(value) ? 0.0f : static_cast<float>(value);
      });
    default:
      Unpack(format, data, out, static_cast<size_t>(elements));
  }
}

bool IsBadScale(const std::byte* scale) {
  return (std::to_integer<unsigned>(scale[1]) & 0x7cu) == 0x7cu;  // little-endian f16: exponent of ones
}

}  // namespace

bool CanBeBad(DType format) { return IsWeightFormat(format) || format == DType::kF8E4M3 || format == DType::kF8E5M2; }

void BadValueCounter::Feed(std::span<const std::byte> bytes) {
  if (!CanBeBad(format_)) return;
  const auto block = static_cast<size_t>(Traits(format_).block_bytes);
  if (!incomplete_.empty()) {
    const size_t missing = std::min(block - incomplete_.size(), bytes.size());
    incomplete_.insert(incomplete_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(missing));
    bytes = bytes.subspan(missing);
    if (incomplete_.size() < block) return;
    Count(incomplete_);
    incomplete_.clear();
  }
  const size_t whole = bytes.size() / block * block;
  Count(bytes.first(whole));
  incomplete_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(whole), bytes.end());
}

void BadValueCounter::Count(std::span<const std::byte> whole) {
  const int64_t block_bytes = Traits(format_).block_bytes;
  const int64_t blocks = static_cast<int64_t>(whole.size()) / block_bytes;
  const int64_t block_elements = Traits(format_).block_elements;
  if (block_elements == 1) {
    for (int64_t i = 0; i < blocks; i += kRun) {
      const int64_t count = std::min(kRun, blocks - i);
      const std::byte* run = whole.data() + i * block_bytes;
      if (AnyBadPlain(format_, run, count)) {
        CountUnpacked(run, count);
      } else {
        elements_ += count;
      }
    }
    return;
  }
  const ScalePlaces places = PlacesOf(format_);
  for (int64_t i = 0; i < blocks; ++i) {
    const std::byte* block = whole.data() + i * block_bytes;
    const bool bad = IsBadScale(block + places.first) || (places.second >= 0 && IsBadScale(block + places.second));
    if (bad) {
      ++result_.blocks;
      CountUnpacked(block, block_elements);
    } else {
      elements_ += block_elements;
    }
  }
}

void BadValueCounter::CountUnpacked(const std::byte* data, int64_t elements) {
  std::array<float, kRun> values;
  UnpackAny(format_, data, elements, values.data());
  for (int64_t i = 0; i < elements; ++i) {
    const float value = values[static_cast<size_t>(i)];
    if (std::isfinite(value)) continue;
    if (result_.first < 0) result_.first = elements_ + i;
    ++(std::isnan(value) ? result_.nan : result_.inf);
  }
  elements_ += elements;
}

}  // namespace spate
