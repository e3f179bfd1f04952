// What the tables of gguf_archs.cc cannot express, one function for each architecture that needs it (GgufArch::adjust).
// Pure functions that throw Error(kBadInput).
#pragma once

#include <nlohmann/json.hpp>

#include "checkpoint/gguf.h"
#include "checkpoint/gguf_hyper.h"

namespace spate {

void AdjustLlama(GgufHyper& hyper, const GgufFile& file, nlohmann::json& config);
void AdjustQwen2Moe(GgufHyper& hyper, const GgufFile& file, nlohmann::json& config);
void AdjustGemma2(GgufHyper& hyper, const GgufFile& file, nlohmann::json& config);
void AdjustGemma3(GgufHyper& hyper, const GgufFile& file, nlohmann::json& config);
void AdjustFalcon(GgufHyper& hyper, const GgufFile& file, nlohmann::json& config);
void AdjustGptNeoX(GgufHyper& hyper, const GgufFile& file, nlohmann::json& config);
void AdjustOlmo(GgufHyper& hyper, const GgufFile& file, nlohmann::json& config);
void AdjustOlmo2(GgufHyper& hyper, const GgufFile& file, nlohmann::json& config);
void AdjustMiniCpm(GgufHyper& hyper, const GgufFile& file, nlohmann::json& config);
void AdjustChatGlm(GgufHyper& hyper, const GgufFile& file, nlohmann::json& config);
void AdjustBaichuan(GgufHyper& hyper, const GgufFile& file, nlohmann::json& config);

}  // namespace spate
