#include "convert/sizing_device.h"

#include "base/check.h"

namespace spate {
namespace {

class SizedLinear final : public Linear {
 public:
  SizedLinear(int64_t rows, int64_t cols, DType format, int64_t bytes) : Linear(rows, cols, format), bytes_(bytes) {}
  int64_t bytes() const override { return bytes_; }

 private:
  int64_t bytes_;
};

class SizedVec final : public Vec {};
class SizedTable final : public Table {};

}  // namespace

std::unique_ptr<Linear> SizingDevice::PackLinear(const LinearSource& source, const LinearSpec& spec) {
  const std::vector<DType> formats = real_.PartFormats(source, spec);
  int64_t rows = 0, bytes = 0;
  for (size_t i = 0; i < source.parts.size(); ++i) {
    const MatrixView& part = source.parts[i];
    parts_.push_back({.stored = part, .kept = formats[i], .bytes = part.rows * RowBytes(formats[i], part.cols)});
    rows += part.rows;
    bytes += parts_.back().bytes;
  }
  bytes_ += bytes;
  for (const MatrixView& bias : source.bias) bytes_ += bias.cols * int64_t{sizeof(float)};
  return std::make_unique<SizedLinear>(rows, source.parts.front().cols, formats.front(), bytes);
}

std::unique_ptr<Vec> SizingDevice::PackVec(const VecSource& source) {
  const int64_t size = source.weight.rows == 0 ? source.size : source.weight.cols;
  bytes_ += (size + source.bias.cols) * int64_t{sizeof(float)};
  return std::make_unique<SizedVec>();
}

std::unique_ptr<Table> SizingDevice::PackTable(const MatrixView& source, DType format) {
  parts_.push_back({.stored = source, .kept = format, .bytes = source.rows * RowBytes(format, source.cols)});
  bytes_ += parts_.back().bytes;
  return std::make_unique<SizedTable>();
}

std::unique_ptr<Table> SizingDevice::TableOf(const Linear& /*head*/) { return std::make_unique<SizedTable>(); }

std::unique_ptr<Ops> SizingDevice::MakeOps(const OpsConfig& /*config*/) { CHECK(false, "nothing runs here"); }
DevicePeaks SizingDevice::MeasurePeaks(double /*seconds*/) { CHECK(false, "nothing runs here"); }
double SizingDevice::MeasureReadBandwidth(double /*seconds*/) { CHECK(false, "nothing runs here"); }

}  // namespace spate
