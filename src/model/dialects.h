// File formats that name tensors in their own way, whatever the architecture.
#pragma once

#include "model/tensor_rule.h"

namespace spate {

// GGUF (github.com/ggml-org/ggml/blob/master/docs/gguf.md and gguf-py's tensor names). The two flags are the file's
// own.
Dialect GgufNames(bool adjacent_pairs, bool norms_hold_offset);

// consolidated.*.pth as Meta publishes Llama.
Dialect MetaNames();

}  // namespace spate
