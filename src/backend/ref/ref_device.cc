#include "backend/ref/ref_device.h"

#include "backend/ref/mat.h"
#include "backend/ref/peaks.h"
#include "backend/ref/ref_ops.h"
#include "backend/ref/weights.h"

namespace spate {
namespace {

class RefDevice final : public Device {
 public:
  RefDevice() {
    info_.backend = "ref";
    info_.name = "scalar reference";
    info_.isa = "as compiled";
    info_.threads = 1;
    info_.threads_reason = "the reference backend is single-threaded";
  }

  const DeviceInfo& info() const override { return info_; }
  std::vector<DType> WeightFormats() const override {
    const std::span<const DType> formats = ref::Keepable().formats;
    return {formats.begin(), formats.end()};
  }

  std::vector<DType> PartFormats(const LinearSource& source, const LinearSpec& spec) const override {
    return KeptFormats(source, spec, ref::Keepable());
  }
  std::unique_ptr<Linear> PackLinear(const LinearSource& source, const LinearSpec& spec) override {
    return std::make_unique<ref::RefLinear>(source, spec);
  }
  std::unique_ptr<Vec> PackVec(const VecSource& source) override { return std::make_unique<ref::RefVec>(source); }
  std::unique_ptr<Table> PackTable(const MatrixView& source, DType format) override {
    return std::make_unique<ref::RefTable>(source, format);
  }
  std::unique_ptr<Table> TableOf(const Linear& head) override {
    return std::make_unique<ref::RefTable>(ref::As<ref::RefLinear>(head));
  }

  std::unique_ptr<Ops> MakeOps(const OpsConfig& config) override { return std::make_unique<ref::RefOps>(config); }

  DevicePeaks MeasurePeaks(double seconds) override {
    DevicePeaks peaks;
    peaks.read_gb_s = ref::MeasureReadGbS(seconds / 2);
    peaks.f32_gflops = ref::MeasureF32Gflops(seconds / 2);
    return peaks;
  }
  double MeasureReadBandwidth(double seconds) override { return ref::MeasureReadGbS(seconds); }

 private:
  DeviceInfo info_;
};

}  // namespace

// DeviceOptions::threads is a CPU's; there is nothing to choose here.
std::unique_ptr<Device> MakeRefDevice(const DeviceOptions& /*options*/) { return std::make_unique<RefDevice>(); }

}  // namespace spate
