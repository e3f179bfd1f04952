// Whether two specs compute the same: what a file that was written says must be what its source said. Pure functions.
#pragma once

#include <string>

#include "model/spec.h"

namespace spate {

// The first field in which they differ with both values, for people; empty when there is none. Names of architectures,
// notes and the ids of special tokens do not count; frequencies may differ by roundings of f32.
std::string DifferenceOf(const ModelSpec& a, const ModelSpec& b);

}  // namespace spate
