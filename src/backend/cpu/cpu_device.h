// The CPU backend: kernels for the best instruction set of this machine, one pool of compute threads.
#pragma once

#include <memory>

#include "backend/device.h"

namespace spate {

std::unique_ptr<Device> MakeCpuDevice(const DeviceOptions& options);

}  // namespace spate
