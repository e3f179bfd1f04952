// One answer of a chat: a prompt goes to the engine, its text to the screen as it comes; Ctrl-C ends it early.
#pragma once

#include <cstdint>
#include <string>

#include "engine/engine.h"
#include "term/chat_screen.h"
#include "term/terminal_signals.h"

namespace spate {

struct ChatAnswer {
  std::string text;
  FinishReason finish = FinishReason::kStop;
  std::string error;  // with kError
  RequestTimings timings;
};

// Submits `request` and returns at its end. Throws Error as Engine::Submit does. Main thread: the engine's own thread
// only queues text, so that a slow terminal does not hold up the engine.
ChatAnswer Generate(Engine& engine, Request request, ChatScreen& screen, TerminalSignals& signals);

}  // namespace spate
