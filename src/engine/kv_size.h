// How many KV blocks the memory that is left makes.
#pragma once

#include <cstdint>

#include "backend/op_params.h"

namespace spate {

struct KvSize {
  int blocks = 0;
  int context = 0;  // positions a sequence may use
};

struct KvWish {
  int model_context = 0;
  int context = 0;  // 0 = the model's
  int sequences = 0;
  int64_t blocks = 0;  // 0 = chosen here
};

// Throws Error: kUsage for impossible numbers, kDoesNotFit with both numbers and the context that would fit.
KvSize ChooseKvSize(const KvLayout& layout, const KvWish& wish, int64_t free_bytes);

}  // namespace spate
