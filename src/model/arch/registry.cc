#include <fmt/ranges.h>

#include <array>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "model/arch/archs.h"

namespace spate {
namespace {

constexpr std::array kAll = {
#define SPATE_ARCH(arch) &arch,
#include "model/arch/archs.inc"
#undef SPATE_ARCH
};

}  // namespace

const Arch* FindArch(std::string_view name) {
  for (const Arch* arch : kAll) {
    if (arch->name == name) return arch;
  }
  return nullptr;
}

std::span<const Arch* const> AllArchs() { return kAll; }

const Arch& ArchOf(const nlohmann::json& config) {
  if (!config.is_object())
    throw Error(ErrorCode::kBadInput, "config.json: expected an object, got {}", DescribeJson(config));
  const nlohmann::json* list = FindArray(config, "architectures", "config.json");
  if (list == nullptr || list->empty() || !list->front().is_string()) {
    throw Error(ErrorCode::kBadInput,
                "config.json: architectures: expected a list that names one; is this a language model's folder?");
  }
  const auto& name = list->front().get_ref<const std::string&>();
  if (const Arch* arch = FindArch(name)) return *arch;
  std::vector<std::string_view> known;
  for (const Arch* arch : kAll) known.push_back(arch->name);
  throw Error(ErrorCode::kBadInput, "config.json: architecture {} is not known; known are {}",
              DescribeJson(list->front()), fmt::join(known, ", "));
}

ModelSpec MakeSpec(const nlohmann::json& config) {
  const Arch& arch = ArchOf(config);
  ModelSpec spec = arch.spec(config);
  spec.architecture = arch.name;
  return spec;
}

}  // namespace spate
