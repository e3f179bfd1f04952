// mlc-chat-config.json of MLC LLM as Hugging Face's config.json of the same model. Pure function.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace spate {

// `what` names the source in messages. Throws Error(kBadInput).
nlohmann::json MlcConfig(const nlohmann::json& chat_config, std::string_view what);

}  // namespace spate
