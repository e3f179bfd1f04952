// Seeded mutations of a file's bytes that know enough of its format to get past the first check: lengths, counts and
// offsets become the numbers that overflow, JSON stays JSON, and what is plain weights is hardly touched.
#pragma once

#include <cstdint>
#include <string>

namespace spate {

enum class Grammar {
  kBytes,        // numbers and texts anywhere
  kText,         // JSON, or words and numbers in lines
  kSafetensors,  // a length, that much JSON, data
  kGguf,         // fields, then data
  kZip           // torch.save: a pickle as the first member, data, a directory at the end
};

// The same seed gives the same bytes everywhere.
std::string Mutate(const std::string& original, Grammar grammar, uint32_t seed);

}  // namespace spate
