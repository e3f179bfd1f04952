// A conversation as a file: JSON with messages in OpenAI's form and the settings by name.
//
//   {"format": "spate-chat", "version": 1,
//    "messages": [{"role": "system", "content": "..."}, {"role": "user", "content": "..."},
//                 {"role": "assistant", "content": "...", "partial": true}],
//    "settings": {"temperature": 0.8, ...}}
//
// Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "engine/request.h"
#include "term/chat_session.h"

namespace spate {

struct SavedChat {
  ChatSession session;
  SamplingParams params;
};

std::string FormatChat(const ChatSession& session, const SamplingParams& params);

// Also takes a bare list of messages. What the file does not set stays as in `params`. Throws Error(kBadInput) naming
// `what` and the place: other roles than system first, then user and assistant in turn; unknown or bad settings.
SavedChat ParseChat(std::string_view text, std::string_view what, const SamplingParams& params, int vocab);

SavedChat LoadChat(const std::string& path, const SamplingParams& params, int vocab);
// Written whole or not at all. Throws Error: kUsage when something is at `path` already, unless `over`.
void SaveChat(const std::string& path, const SavedChat& chat, bool over);

// "~/x" with $HOME for the tilde; other paths as they are.
std::string ExpandHome(const std::string& path);

}  // namespace spate
