// The reference backend: the specification of every operation. Plain loops over plain arrays, double
// accumulation, one thread, activations never rounded below f32; slow on purpose. Every other backend is
// tested against it (tests/backend_conformance_test.cc) and has no operation that this one lacks.
#pragma once

#include <memory>

#include "backend/device.h"

namespace spate {

std::unique_ptr<Device> MakeRefDevice(const DeviceOptions& options);

}  // namespace spate
