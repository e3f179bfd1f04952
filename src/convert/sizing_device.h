// SizingDevice: stands in for a device while a model is "loaded" and only adds up what the device would keep, in which
// format and how many bytes. Reads no weight. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "backend/device.h"

namespace spate {

// A part of a matrix, as it is stored and as it would be kept.
struct SizedPart {
  MatrixView stored;
  DType kept = DType::kF32;
  int64_t bytes = 0;  // kept
};

class SizingDevice final : public Device {
 public:
  explicit SizingDevice(const Device& real) : real_(real) {}

  const std::vector<SizedPart>& parts() const { return parts_; }  // matrices and tables, in loading order
  int64_t bytes() const { return bytes_; }                        // of these, biases and norms

  const DeviceInfo& info() const override { return real_.info(); }
  std::vector<DType> WeightFormats() const override { return real_.WeightFormats(); }
  std::vector<DType> PartFormats(const LinearSource& source, const LinearSpec& spec) const override {
    return real_.PartFormats(source, spec);
  }
  std::unique_ptr<Linear> PackLinear(const LinearSource& source, const LinearSpec& spec) override;
  std::unique_ptr<Vec> PackVec(const VecSource& source) override;
  std::unique_ptr<Table> PackTable(const MatrixView& source, DType format) override;
  std::unique_ptr<Table> TableOf(const Linear& head) override;

  // Nothing runs here: these fail a CHECK.
  std::unique_ptr<Ops> MakeOps(const OpsConfig& config) override;
  DevicePeaks MeasurePeaks(double seconds) override;
  double MeasureReadBandwidth(double seconds) override;

 private:
  const Device& real_;
  std::vector<SizedPart> parts_;
  int64_t bytes_ = 0;
};

}  // namespace spate
