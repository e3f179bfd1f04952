#include "checkpoint/quantized/quantization_config.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/json.h"

namespace spate {
namespace {

using nlohmann::json;

constexpr std::string_view kWhat = "config.json: quantization_config";

int64_t GroupSize(const json& section) {
  const int64_t size = GetInt(section, "group_size", 128, -1, int64_t{1} << 20, kWhat);
  return std::max<int64_t>(size, 0);
}

std::string Groups(int64_t size) { return size == 0 ? "one group a row" : fmt::format("groups of {}", size); }

QuantizationConfig Gptq(const json& section) {
  QuantizationConfig result{.method = QuantizationConfig::Method::kGptq};
  result.bits = static_cast<int>(GetInt(section, "bits", {}, 2, 8, kWhat));
  if (result.bits > 4 && result.bits < 8) {
    throw Error(ErrorCode::kBadInput, "{}: bits: GPTQ files have 2, 3, 4 or 8, got {}", kWhat, result.bits);
  }
  result.group_size = GroupSize(section);
  const std::string format = GetString(section, "checkpoint_format", "gptq", kWhat);
  if (format != "gptq" && format != "gptq_v2") {
    throw Error(ErrorCode::kBadInput, "{}: checkpoint_format \"{}\" is not known; known are gptq, gptq_v2", kWhat,
                format);
  }
  result.zeros_minus_one = format == "gptq";
  result.text = fmt::format("GPTQ, {} bits, {}", result.bits, Groups(result.group_size));
  return result;
}

QuantizationConfig Awq(const json& section) {
  QuantizationConfig result{.method = QuantizationConfig::Method::kAwq};
  result.bits = static_cast<int>(GetInt(section, section.contains("w_bit") ? "w_bit" : "bits", 4, 4, 4, kWhat));
  result.group_size = GroupSize(section);
  const std::string version = GetString(section, "version", "gemm", kWhat);
  if (version != "gemm" && version != "GEMM") {
    throw Error(ErrorCode::kBadInput, "{}: version \"{}\" of AWQ is not known; known is gemm", kWhat, version);
  }
  result.text = fmt::format("AWQ, 4 bits, {}", Groups(result.group_size));
  return result;
}

QuantizationConfig Compressed(const json& section) {
  static constexpr std::array kFormats = {"pack-quantized",  "int-quantized",   "float-quantized",
                                          "naive-quantized", "mixed-precision", "dense"};
  const std::string format = GetString(section, "format", "dense", kWhat);
  if (std::find(kFormats.begin(), kFormats.end(), format) == kFormats.end()) {
    throw Error(ErrorCode::kBadInput,
                "{}: format \"{}\" is not known; known are pack-quantized, int-quantized, float-quantized, "
                "naive-quantized, mixed-precision, dense",
                kWhat, format);
  }
  QuantizationConfig result{.method = QuantizationConfig::Method::kCompressed, .text = "compressed-tensors, " + format};
  // How the first group of layers is stored, for people: the tensors themselves say it exactly.
  const json* groups = FindObject(section, "config_groups", kWhat);
  const json* weights = groups == nullptr || groups->empty() || !groups->begin()->is_object()
                            ? nullptr
                            : FindObject(*groups->begin(), "weights", kWhat);
  if (weights == nullptr) return result;
  result.bits = static_cast<int>(GetInt(*weights, "num_bits", 8, 1, 64, kWhat));
  result.group_size = std::max<int64_t>(0, GetInt(*weights, "group_size", 0, -1, int64_t{1} << 20, kWhat));
  result.text += fmt::format(", {} bits", result.bits);
  if (result.group_size > 0) result.text += ", " + Groups(result.group_size);
  return result;
}

QuantizationConfig BlockFloats(const json& section) {
  QuantizationConfig result{.method = QuantizationConfig::Method::kBlockFloats, .bits = 8};
  const std::string format = GetString(section, "fmt", "e4m3", kWhat);
  if (format != "e4m3") throw Error(ErrorCode::kBadInput, "{}: fmt \"{}\" is not known; known is e4m3", kWhat, format);
  if (const json* block = FindArray(section, "weight_block_size", kWhat)) {
    const auto side = [&](size_t i) {
      const bool fits =
          block->size() == 2 && (*block)[i].is_number_integer() && (*block)[i] > 0 && (*block)[i] <= (int64_t{1} << 20);
      if (!fits) {
        throw Error(ErrorCode::kBadInput, "{}: weight_block_size: expected two sizes, got {}", kWhat,
                    DescribeJson(*block));
      }
      return (*block)[i].get<int64_t>();
    };
    result.block_rows = side(0);
    result.block_cols = side(1);
    result.text = fmt::format("fp8, blocks of {} x {}", result.block_rows, result.block_cols);
  } else {
    result.text = "fp8";
  }
  return result;
}

}  // namespace

std::optional<QuantizationConfig> ReadQuantizationConfig(const json& config) {
  const json* section = FindObject(config, "quantization_config", "config.json");
  if (section == nullptr) section = FindObject(config, "compression_config", "config.json");
  if (section == nullptr) return std::nullopt;
  const std::string method = GetString(*section, "quant_method", {}, kWhat);
  if (method == "gptq") return Gptq(*section);
  if (method == "awq") return Awq(*section);
  if (method == "compressed-tensors" || method == "sparseml") return Compressed(*section);
  if (method == "fp8") return BlockFloats(*section);
  throw Error(ErrorCode::kBadInput,
              "{}: quant_method \"{}\" is not known; known are gptq, awq, compressed-tensors, fp8", kWhat, method);
}

}  // namespace spate
