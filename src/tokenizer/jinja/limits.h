// What a template may use. The largest published chat template has 25 KB and 4,000 nodes; a conversation that fills a
// context of 128 K tokens renders in some 100,000 steps and 4 MB.
#pragma once

#include <cstddef>
#include <cstdint>

namespace spate::jinja {

inline constexpr size_t kMaxSourceBytes = size_t{512} << 10;
inline constexpr size_t kMaxTokens = 200'000;
inline constexpr size_t kMaxNodes = 100'000;  // some 200 bytes each
inline constexpr int kMaxParseDepth =
    240;                                   // of the parser; a bracket takes three. Python gives up at about 70 brackets
inline constexpr int kMaxNodeDepth = 400;  // of the tree: a + b + c + ... is as deep as it is long

// 64 MiB in all: the rest is the tree and the data that was handed in.
inline constexpr size_t kMaxBytes = size_t{40} << 20;        // of values and output alive at one time
inline constexpr size_t kMaxOutputBytes = size_t{16} << 20;  // of one rendered prompt
inline constexpr int64_t kMaxSteps = 4'000'000;              // evaluated nodes and pieces of work; about half a second
inline constexpr int64_t kMaxRange = 100'000;                // as in Jinja2's sandbox
inline constexpr int kMaxCallDepth = 150;                    // of macros; Python gives up at about 190
inline constexpr size_t kMaxStackBytes = size_t{1} << 20;    // of the thread that renders
inline constexpr int kMaxDataDepth = 200;                    // of lists in lists: printing, comparing, hashing

}  // namespace spate::jinja
