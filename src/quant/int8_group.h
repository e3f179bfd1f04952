// Activations as int8: how a row is rounded before it is multiplied with weights in blocks (quant/blocks.h). 32
// consecutive values share a scale, the largest magnitude / 127, so that each value is off by at most half of that.
//
// The scale is f32. A group whose values are all below 1e-30 in magnitude counts as zeros. A value that is not finite
// makes the scale such a value, whatever the levels: nothing finite comes out of the group.
#pragma once

#include <cstdint>

namespace spate {

inline constexpr int kInt8Group = 32;

struct Int8Group {
  float scale;
  int8_t levels[kInt8Group];  // -127 ... 127, round(value * (127 / largest)), half to even
};

Int8Group QuantizeInt8(const float* values);  // [kInt8Group]

}  // namespace spate
