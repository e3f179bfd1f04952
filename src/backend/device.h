// Device: a piece of hardware that packs weights, runs operations and can measure its own limits.
// One per rank, owned by its worker; it must outlive everything it made. Construction and packing throw
// Error (too little memory, a format the device lacks); what runs in a step does not.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backend/linear.h"
#include "backend/ops.h"

namespace spate {

struct DeviceOptions {
  int threads = 0;  // CPU: 0 = as many as the machine gives this process (base/topology.h)
};

struct DeviceInfo {
  std::string backend;  // "cpu", "ref"
  std::string name;     // "AMD EPYC ..."
  std::string isa;      // "avx512 (vnni, bf16)"
  int threads = 1;
  std::string threads_reason;  // why that many
};

// What this machine was measured to reach, with all of the device's threads.
struct DevicePeaks {
  double read_gb_s = 0;    // linear read of memory far larger than the caches
  double f32_gflops = 0;   // multiply-add counts two
  double bf16_gflops = 0;  // 0 = no such instruction
  double int8_gops = 0;    // 0 = no such instruction
};

class Device {
 public:
  virtual ~Device() = default;

  virtual const DeviceInfo& info() const = 0;
  virtual std::vector<DType> WeightFormats() const = 0;  // formats PackLinear takes, preferred first

  // What PackLinear keeps each part in. Reads no weight; throws where PackLinear refuses a format.
  virtual std::vector<DType> PartFormats(const LinearSource& source, const LinearSpec& spec) const = 0;
  virtual std::unique_ptr<Linear> PackLinear(const LinearSource& source, const LinearSpec& spec) = 0;
  virtual std::unique_ptr<Vec> PackVec(const VecSource& source) = 0;
  virtual std::unique_ptr<Table> PackTable(const MatrixView& source, DType format) = 0;  // [vocab, dim]
  virtual std::unique_ptr<Table> TableOf(const Linear& head) = 0;  // tied embeddings: no second copy

  virtual std::unique_ptr<Ops> MakeOps(const OpsConfig& config) = 0;

  // Takes `seconds` for all of it, about equally shared; the machine should be otherwise idle.
  virtual DevicePeaks MeasurePeaks(double seconds) = 0;
  // One of them alone, so that a bench can measure before and after without waiting for the rest.
  virtual double MeasureReadBandwidth(double seconds) = 0;  // GB/s
};

// Backends of this build, best first: {"cpu", "ref"}.
std::vector<std::string_view> Backends();
// Throws Error(kUsage) for a name that is not in Backends().
std::unique_ptr<Device> MakeDevice(std::string_view backend, const DeviceOptions& options);

}  // namespace spate
