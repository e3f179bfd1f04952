#include "quant/dtype.h"

#include <array>
#include <cstring>

#include "base/check.h"
#include "base/half.h"
#include "quant/blocks.h"

namespace spate {
namespace {

constexpr std::array kTraits = {
    DTypeTraits{"f32", 1, 4},      DTypeTraits{"f16", 1, 2},      DTypeTraits{"bf16", 1, 2},
    DTypeTraits{"f64", 1, 8},      DTypeTraits{"i8", 1, 1},       DTypeTraits{"u8", 1, 1},
    DTypeTraits{"i16", 1, 2},      DTypeTraits{"u16", 1, 2},      DTypeTraits{"i32", 1, 4},
    DTypeTraits{"u32", 1, 4},      DTypeTraits{"i64", 1, 8},      DTypeTraits{"u64", 1, 8},
    DTypeTraits{"bool", 1, 1},     DTypeTraits{"f8_e4m3", 1, 1},  DTypeTraits{"f8_e5m2", 1, 1},
    DTypeTraits{"q4_0", 32, 18},   DTypeTraits{"q4_1", 32, 20},   DTypeTraits{"q5_0", 32, 22},
    DTypeTraits{"q5_1", 32, 24},   DTypeTraits{"q8_0", 32, 34},   DTypeTraits{"q2_k", 256, 84},
    DTypeTraits{"q3_k", 256, 110}, DTypeTraits{"q4_k", 256, 144}, DTypeTraits{"q5_k", 256, 176},
    DTypeTraits{"q6_k", 256, 210}, DTypeTraits{"iq4_nl", 32, 18}, DTypeTraits{"iq4_xs", 256, 136},
};
static_assert(kTraits.size() == static_cast<size_t>(DType::kIQ4_XS) + 1);

template <typename T, typename Convert>
void UnpackEach(const std::byte* source, float* out, size_t count, Convert convert) {
  for (size_t i = 0; i < count; ++i) {
    T value;  // through memcpy: a file gives no alignment
    std::memcpy(&value, source + i * sizeof(T), sizeof(T));
    out[i] = convert(value);
  }
}

using UnpackBlockFn = void (*)(const uint8_t* block, float* out);

// Null for a plain format.
UnpackBlockFn UnpackBlockOf(DType dtype) {
  switch (dtype) {
    case DType::kQ4_0:
      return UnpackQ40;
    case DType::kQ4_1:
      return UnpackQ41;
    case DType::kQ5_0:
      return UnpackQ50;
    case DType::kQ5_1:
      return UnpackQ51;
    case DType::kQ8_0:
      return UnpackQ80;
    case DType::kQ2_K:
      return UnpackQ2K;
    case DType::kQ3_K:
      return UnpackQ3K;
    case DType::kQ4_K:
      return UnpackQ4K;
    case DType::kQ5_K:
      return UnpackQ5K;
    case DType::kQ6_K:
      return UnpackQ6K;
    case DType::kIQ4_NL:
      return UnpackIQ4Nl;
    case DType::kIQ4_XS:
      return UnpackIQ4Xs;
    default:
      return nullptr;
  }
}

size_t CountBlocks(DType dtype, size_t count) {
  const size_t elements = static_cast<size_t>(Traits(dtype).block_elements);
  CHECK(count % elements == 0, "{} elements of {}, whose blocks have {}", count, Name(dtype), elements);
  return count / elements;
}

void UnpackBlocks(DType dtype, const std::byte* source, float* out, size_t count) {
  const UnpackBlockFn unpack = UnpackBlockOf(dtype);
  CHECK(unpack != nullptr, "{} is not a weight format", Name(dtype));
  const DTypeTraits& traits = Traits(dtype);
  const size_t blocks = CountBlocks(dtype, count);
  for (size_t i = 0; i < blocks; ++i) {
    unpack(reinterpret_cast<const uint8_t*>(source) + i * static_cast<size_t>(traits.block_bytes),
           out + i * static_cast<size_t>(traits.block_elements));
  }
}

void PackBlocks(DType dtype, const float* source, std::byte* out, size_t count) {
  const DTypeTraits& traits = Traits(dtype);
  const size_t blocks = CountBlocks(dtype, count);
  for (size_t i = 0; i < blocks; ++i) {
    const float* values = source + i * static_cast<size_t>(traits.block_elements);
    uint8_t* block = reinterpret_cast<uint8_t*>(out) + i * static_cast<size_t>(traits.block_bytes);
    if (dtype == DType::kQ4_0) {
      PackQ40(values, block);
    } else {
      PackQ80(values, block);
    }
  }
}

}  // namespace

const DTypeTraits& Traits(DType dtype) { return kTraits[static_cast<size_t>(dtype)]; }

std::optional<DType> ParseDType(std::string_view name) {
  for (size_t i = 0; i < kTraits.size(); ++i) {
    if (kTraits[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

bool IsWeightFormat(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 || dtype == DType::kF64 ||
         UnpackBlockOf(dtype) != nullptr;
}

void Unpack(DType dtype, const std::byte* source, float* out, size_t count) {
  if (count == 0) return;  // an empty tensor has no bytes and may have no address, which memcpy refuses
  switch (dtype) {
    case DType::kF32:
      std::memcpy(out, source, count * sizeof(float));
      return;
    case DType::kF64:
      return UnpackEach<double>(source, out, count, [](double v) { return static_cast<float>(v); });
    case DType::kF16:
      return UnpackEach<F16>(source, out, count, [](F16 v) { return ToFloat(v); });
    case DType::kBF16:
      return UnpackEach<Bf16>(source, out, count, [](Bf16 v) { return ToFloat(v); });
    default:
      return UnpackBlocks(dtype, source, out, count);
  }
}

bool CanPack(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 || dtype == DType::kQ4_0 ||
         dtype == DType::kQ8_0;
}

void Pack(DType dtype, const float* source, std::byte* out, size_t count) {
  if (dtype == DType::kQ4_0 || dtype == DType::kQ8_0) return PackBlocks(dtype, source, out, count);
  for (size_t i = 0; i < count; ++i) {
    switch (dtype) {
      case DType::kF32:
        std::memcpy(out + i * 4, source + i, 4);
        break;
      case DType::kF16: {
        const F16 value = ToF16(source[i]);
        std::memcpy(out + i * 2, &value, 2);
        break;
      }
      case DType::kBF16: {
        const Bf16 value = ToBf16(source[i]);
        std::memcpy(out + i * 2, &value, 2);
        break;
      }
      default:
        CHECK(false, "{} is not written as a weight", Name(dtype));
    }
  }
}

}  // namespace spate
