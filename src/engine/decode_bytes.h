// What one decoded token costs in memory traffic: what speed is held against. Pure function.
#pragma once

#include "engine/open_model.h"
#include "engine/request.h"

namespace spate {

// Bytes that one decoded token makes the machine read: all weights, and the cached keys and values of the prompt and of
// half the output.
double DecodeBytesPerToken(const Model& model, const RequestTimings& timings);

}  // namespace spate
