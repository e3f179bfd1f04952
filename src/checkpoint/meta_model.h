// What Meta publishes: consolidated.00.pth, consolidated.01.pth, ... with params.json and tokenizer.model. Several
// files are the shares of one model on as many devices: matrices are split by rows, or by columns, or repeated. Here
// they are whole again, under the names of the files (layers.0.attention.wq.weight, feed_forward.w1, tok_embeddings,
// norm, output); which way a matrix was split is found from its shape and params.json, and what does not add up is
// refused. "rope.freqs", which follows from params.json, is left out.
//
// The rows of each head of wq and wk are in the order of adjacent pairs: rotary embedding turns rows 2i and 2i + 1 of a
// head together, where Hugging Face's files have them head_dim / 2 apart. The config says so: "rope_interleave": true.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"

namespace spate {

struct MetaModel {
  std::unique_ptr<Checkpoint> checkpoint;
  nlohmann::json config;  // as config.json of a LlamaForCausalLM would say it (meta_params.h)
};

bool IsMetaFolder(const std::filesystem::path& folder);

// Throws Error(kBadInput) naming the file.
MetaModel OpenMetaFolder(const std::filesystem::path& folder);

}  // namespace spate
