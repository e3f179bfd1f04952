// In which format the parts of a matrix are kept: LinearSpec's rules, checked, the same for every device. Throws
// Error(kUsage) for a wish that cannot be met and Error(kBadInput) for what is no weight.
#pragma once

#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "backend/linear.h"
#include "base/check.h"
#include "base/error.h"
#include "quant/dtype.h"

namespace spate {

// The formats that a device keeps weights in, and its name.
struct KeepableFormats {
  std::string_view backend;
  std::span<const DType> formats;

  bool Has(DType format) const { return std::find(formats.begin(), formats.end(), format) != formats.end(); }
};

// That `source` holds weights, rows of whole blocks.
inline void CheckWeightSource(const MatrixView& source) {
  if (!IsWeightFormat(source.dtype)) {
    throw Error(ErrorCode::kBadInput,
                "weights of type {} cannot be used; expected f32, f16, bf16, f64 or GGUF's blocks", Name(source.dtype));
  }
  if (source.cols % Traits(source.dtype).block_elements != 0) {
    throw Error(ErrorCode::kBadInput, "rows of {} elements cannot be {}, whose blocks have {}", source.cols,
                Name(source.dtype), Traits(source.dtype).block_elements);
  }
}

// That rows of `source` can be kept as `format`.
inline void CheckKept(const MatrixView& source, DType format, const KeepableFormats& keepable) {
  CheckWeightSource(source);
  if (!keepable.Has(format)) {
    std::vector<std::string_view> names;
    for (const DType known : keepable.formats) names.push_back(Name(known));
    throw Error(ErrorCode::kUsage, "backend {} cannot keep weights as {}; choose one of: {}", keepable.backend,
                Name(format), fmt::join(names, ", "));
  }
  if (source.dtype != format && !CanPack(format)) {
    throw Error(ErrorCode::kUsage, "{} weights cannot become {}, which is read but not written; choose f16 or bf16",
                Name(source.dtype), Name(format));
  }
  if (source.cols % Traits(format).block_elements != 0) {
    throw Error(ErrorCode::kUsage, "rows of {} elements cannot be kept as {}, whose blocks have {}; choose f16 or bf16",
                source.cols, Name(format), Traits(format).block_elements);
  }
}

// The format of each part.
inline std::vector<DType> KeptFormats(const LinearSource& source, const LinearSpec& spec,
                                      const KeepableFormats& keepable) {
  CHECK(!source.parts.empty());
  std::vector<DType> formats(source.parts.size(), spec.format);
  const size_t together = spec.gated ? 2 : 1;
  for (size_t i = 0; i + together <= source.parts.size(); i += together) {
    const std::span<const MatrixView> parts = source.parts.subspan(i, together);
    const DType own = parts.front().dtype;
    const auto stays = [&](const MatrixView& part) { return part.dtype == own && keepable.Has(own); };
    if (spec.own_bits && std::all_of(parts.begin(), parts.end(), stays)) {
      std::fill_n(formats.begin() + static_cast<std::ptrdiff_t>(i), together, own);
    }
    for (size_t p = i; p < i + together; ++p) CheckKept(source.parts[p], formats[p], keepable);
  }
  return formats;
}

}  // namespace spate
