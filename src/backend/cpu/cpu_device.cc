#include "backend/cpu/cpu_device.h"

#include <fmt/format.h>

#include <string>

#include "backend/cpu/cpu_linear.h"
#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/cpu_table.h"
#include "backend/cpu/expert_stack.h"
#include "backend/cpu/kernel_table.h"
#include "backend/cpu/peaks.h"
#include "base/error.h"
#include "base/isa.h"
#include "base/thread_pool.h"
#include "base/topology.h"

namespace spate {
namespace {

// More would only be a typing error; each takes a stack and scratch.
constexpr int kMaxThreads = 1024;

std::string DescribeIsa(Isa isa, const CpuFeatures& features) {
  std::string text(IsaName(isa));
  if (isa != Isa::kAvx512) return text;
  if (features.avx512_vnni && features.avx512_bf16) return text + " (vnni, bf16)";
  return text + " (without vnni and bf16)";
}

class CpuDevice final : public Device {
 public:
  CpuDevice(Isa isa, const CpuFeatures& features, int threads, std::string threads_reason)
      : kernels_(cpu::SelectKernels(isa, features)), pool_(threads) {
    info_.backend = "cpu";
    info_.name = features.model;
    info_.isa = DescribeIsa(isa, features);
    info_.threads = threads;
    info_.threads_reason = std::move(threads_reason);
  }

  const DeviceInfo& info() const override { return info_; }
  std::vector<DType> WeightFormats() const override {
    const std::span<const DType> formats = cpu::Keepable().formats;
    return {formats.begin(), formats.end()};
  }

  std::vector<DType> PartFormats(const LinearSource& source, const LinearSpec& spec) const override {
    return KeptFormats(source, spec, cpu::Keepable());
  }
  std::unique_ptr<Linear> PackLinear(const LinearSource& source, const LinearSpec& spec) override {
    if (spec.experts > 1) return std::make_unique<cpu::ExpertStack>(source, spec, kernels_.linear, pool_);
    return std::make_unique<cpu::CpuLinear>(source, spec, kernels_.linear, pool_);
  }
  std::unique_ptr<Vec> PackVec(const VecSource& source) override { return std::make_unique<cpu::CpuVec>(source); }
  std::unique_ptr<Table> PackTable(const MatrixView& source, DType format) override {
    return std::make_unique<cpu::CpuTable>(source, format, pool_);
  }
  std::unique_ptr<Table> TableOf(const Linear& head) override {
    return std::make_unique<cpu::CpuTable>(static_cast<const cpu::CpuLinear&>(head));
  }

  std::unique_ptr<Ops> MakeOps(const OpsConfig& config) override {
    return std::make_unique<cpu::CpuOps>(config, kernels_, pool_);
  }

  DevicePeaks MeasurePeaks(double seconds) override {
    const cpu::PeakKernels& kernels = kernels_.peaks;
    const double each = seconds / 4;
    return {.read_gb_s = cpu::MeasureReadGbS(kernels, pool_, each),
            .f32_gflops = cpu::MeasureGops(kernels.f32, pool_, each),
            .bf16_gflops = cpu::MeasureGops(kernels.bf16, pool_, each),
            .int8_gops = cpu::MeasureGops(kernels.int8, pool_, each)};
  }
  double MeasureReadBandwidth(double seconds) override { return cpu::MeasureReadGbS(kernels_.peaks, pool_, seconds); }

 private:
  DeviceInfo info_;
  const cpu::KernelTable& kernels_;
  ThreadPool pool_;
};

}  // namespace

std::unique_ptr<Device> MakeCpuDevice(const DeviceOptions& options) {
  if (options.threads < 0 || options.threads > kMaxThreads) {
    throw Error(ErrorCode::kUsage, "--threads: expected 0 (as many as fit) to {}, got {}", kMaxThreads,
                options.threads);
  }
  const CpuTopology topology = DetectTopology();
  const int threads = options.threads > 0 ? options.threads : topology.threads;
  std::string reason =
      options.threads > 0 ? fmt::format("asked for; this machine suggests {}", topology.reason) : topology.reason;
  return std::make_unique<CpuDevice>(ChooseIsa(), DetectCpuFeatures(), threads, std::move(reason));
}

}  // namespace spate
