#include "term/chat_answer.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <utility>

#include "base/queue.h"

namespace spate {
namespace {

constexpr auto kTick = std::chrono::milliseconds(50);  // how late a Ctrl-C may be noticed

class QueueSink : public Sink {
 public:
  void Push(Delta delta) override {
    // Never closed, so never refused.
    [[maybe_unused]] const bool pushed = queue_.Push(std::move(delta));
  }
  std::optional<Delta> Wait() { return queue_.WaitPop(kTick); }

 private:
  Queue<Delta> queue_;
};

// The screen's answer ends also where something is thrown.
class AnswerOnScreen {
 public:
  explicit AnswerOnScreen(ChatScreen& screen) : screen_(screen) { screen_.BeginAnswer(); }
  ~AnswerOnScreen() { screen_.EndAnswer(); }
  AnswerOnScreen(const AnswerOnScreen&) = delete;
  AnswerOnScreen& operator=(const AnswerOnScreen&) = delete;

 private:
  ChatScreen& screen_;
};

}  // namespace

ChatAnswer Generate(Engine& engine, Request request, ChatScreen& screen, TerminalSignals& signals) {
  const std::string id = request.id;
  const std::string reading = fmt::format("reading {} tokens, Ctrl-C stops", request.prompt.size());
  signals.TakeInterrupt();  // one from before this answer does not stop it
  const auto sink = std::make_shared<QueueSink>();
  engine.Submit(std::move(request), sink);
  const AnswerOnScreen on_screen(screen);
  ChatAnswer answer;
  bool stopping = false;
  while (true) {
    if (const std::optional<Delta> delta = sink->Wait()) {
      if (!stopping) screen.AnswerText(delta->text);
      if (!stopping) answer.text += delta->text;
      if (delta->finish) {
        // An answer that came to its end while it was being stopped has lost its end too.
        answer.finish = stopping && *delta->finish != FinishReason::kError ? FinishReason::kAborted : *delta->finish;
        answer.error = delta->error;
        answer.timings = delta->timings;
        return answer;
      }
    }
    screen.Wait(stopping ? "stopping" : reading);
    if (!stopping && (signals.TakeInterrupt() || signals.ended())) {
      stopping = true;
      engine.Abort(id);
    }
  }
}

}  // namespace spate
