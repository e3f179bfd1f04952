// The architectures whose models are written as GGUF: for each the tables that reading goes by
// (checkpoint/gguf_archs.h) and what writing must know beyond them. Pure data.
#pragma once

#include <string>
#include <string_view>

#include "checkpoint/gguf_archs.h"

namespace spate {

struct GgufFamily {
  std::string_view config;  // the architecture as config.json names it
  std::string_view gguf;    // general.architecture
  bool fused_qkv = false;   // one tensor of q, k and v
  bool fused_up = false;    // one tensor of gate and up
  bool windows = false;     // every program that reads GGUF keeps to its sliding windows
  bool longrope = false;    // ... scales RoPE by two lists of factors
};

const GgufFamily* FindGgufFamily(std::string_view config);  // null = cannot be written
const GgufArch& ArchOf(const GgufFamily& family);
std::string KnownGgufFamilies();  // for messages, by config.json's names

}  // namespace spate
