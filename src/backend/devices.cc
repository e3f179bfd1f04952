#include <fmt/ranges.h>

#include "backend/cpu/cpu_device.h"
#include "backend/device.h"
#include "backend/ref/ref_device.h"
#include "base/error.h"

namespace spate {
namespace {

struct Backend {
  std::string_view name;
  std::unique_ptr<Device> (*make)(const DeviceOptions&);
};

// Best first.
constexpr Backend kBackends[] = {
    {"cpu", MakeCpuDevice},
    {"ref", MakeRefDevice},
};

}  // namespace

std::vector<std::string_view> Backends() {
  std::vector<std::string_view> names;
  for (const Backend& backend : kBackends) names.push_back(backend.name);
  return names;
}

std::unique_ptr<Device> MakeDevice(std::string_view backend, const DeviceOptions& options) {
  for (const Backend& candidate : kBackends) {
    if (candidate.name == backend) return candidate.make(options);
  }
  throw Error(ErrorCode::kUsage, "--backend: unknown backend \"{}\"; expected one of: {}", backend,
              fmt::join(Backends(), ", "));
}

}  // namespace spate
