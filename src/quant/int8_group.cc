#include "quant/int8_group.h"

#include <algorithm>
#include <cmath>

namespace spate {

Int8Group QuantizeInt8(const float* values) {
  Int8Group group = {};
  float largest = 0;
  for (int i = 0; i < kInt8Group; ++i) {
    if (std::isnan(values[i])) largest = values[i];
    if (!std::isnan(largest)) largest = std::max(largest, std::fabs(values[i]));
  }
  group.scale = largest / 127;
  if (!(largest >= 1e-30f) || std::isinf(largest)) return group;
  const float inverse = 127 / largest;
  for (int i = 0; i < kInt8Group; ++i) group.levels[i] = static_cast<int8_t>(std::lrintf(values[i] * inverse));
  return group;
}

}  // namespace spate
