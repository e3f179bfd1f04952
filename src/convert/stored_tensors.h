// The tensors of a model as its files store them, and the search for bad values in them.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "convert/file_pass.h"

namespace spate {

// Of a quantized folder its integers and scales, not the weights they stand for. Throws Error(kBadInput).
std::unique_ptr<Checkpoint> OpenStoredTensors(const std::filesystem::path& path);

// Gives each pass the tensors whose bytes lie in its file, numbered as in `names`. Throws Error(kBadInput) where
// tensors share so many bytes that no honest file means it.
void AssignTensors(const Checkpoint& stored, std::span<const std::string_view> names, std::span<FilePass> passes);

// Bad values of a tensor that no file holds as it is: it is computed row by row. Any thread.
BadValues CountMadeValues(const Checkpoint& stored, const TensorView& tensor);

}  // namespace spate
