// FaultyDevice: a device with one fault planted into everything that it packs or computes. Cases are run on
// it to see that they notice: a comparison that accepts it is not a test.
#pragma once

#include "tests/conformance_case.h"

namespace spate::conformance {

class FaultyDevice final : public Device {
 public:
  FaultyDevice(Device& inner, Fault fault) : inner_(inner), fault_(fault) {}

  const DeviceInfo& info() const override { return inner_.info(); }
  std::vector<DType> WeightFormats() const override { return inner_.WeightFormats(); }
  std::vector<DType> PartFormats(const LinearSource& source, const LinearSpec& spec) const override {
    return inner_.PartFormats(source, spec);
  }
  std::unique_ptr<Linear> PackLinear(const LinearSource& source, const LinearSpec& spec) override;
  std::unique_ptr<Vec> PackVec(const VecSource& source) override;
  std::unique_ptr<Table> PackTable(const MatrixView& source, DType format) override;
  std::unique_ptr<Table> TableOf(const Linear& head) override { return inner_.TableOf(head); }
  std::unique_ptr<Ops> MakeOps(const OpsConfig& config) override;
  DevicePeaks MeasurePeaks(double seconds) override { return inner_.MeasurePeaks(seconds); }
  double MeasureReadBandwidth(double seconds) override { return inner_.MeasureReadBandwidth(seconds); }

 private:
  Device& inner_;
  Fault fault_;
};

}  // namespace spate::conformance
