// How much memory there is for keys and values, and how many blocks that makes. Pure functions of their arguments
// and of files of the system.
#pragma once

#include <cstdint>
#include <string>

#include "backend/op_params.h"

namespace spate {

// Bytes that this process could still take: what the kernel calls available, within the limits of its control
// groups (version 2 and 1; page cache counts as free there). Files are read below `root`.
int64_t FreeMemory(const std::string& root = "/");

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
