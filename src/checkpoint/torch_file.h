// A file that torch.save wrote (PyTorch 1.6 or later): a zip file with a pickle, */data.pkl, that describes tensors,
// and their bytes beside it, */data/N. Both are hostile until proven right; nothing in them is ever run. Views lead
// straight into the file. Tensors of a nested dict, {"model": {...}}, are found where they are.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "checkpoint/mapped_checkpoint.h"

namespace spate {

// Parses a whole file. `file` names it in messages; views and makers read `bytes`. Throws Error(kBadInput).
// This is the function the fuzz target calls with its input.
FileTensors ParseTorchFile(std::span<const std::byte> bytes, std::string_view file);

}  // namespace spate
