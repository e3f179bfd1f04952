// Which files of a repository make up the model: configuration, tokenizer and weights in one format, without what other
// programs left there. Stateless, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "convert/pull/hub_listing.h"

namespace spate {

// Whether a file is named as models in other formats than GGUF have theirs: what an earlier commit of a repository may
// have left in a folder, and what nobody names a file of their own.
bool IsModelFile(std::string_view name);

// The files to fetch. With a quantization GGUF; without one the first that there is of safetensors, pytorch_model*.bin,
// MLC's shards, Meta's consolidated.*.pth and GGUF. `what` begins messages. Throws Error(kUsage) when the
// quantization is not there, Error(kBadInput) when no model is.
std::vector<HubFile> SelectFiles(const HubListing& listing, std::string_view quant, std::string_view what);

}  // namespace spate
