// What the commands of a chat do.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "engine/decode_bytes.h"
#include "engine/sampling_names.h"
#include "term/chat.h"
#include "term/chat_commands.h"
#include "term/chat_file.h"
#include "term/table.h"
#include "term/visible_text.h"

namespace spate {
namespace {

constexpr double kBandwidthSeconds = 0.2;
constexpr double kCachedBytes = 32e6;  // as large a cache as processors have for two cores
constexpr size_t kShownPath = 200;

std::string Exchanges(size_t count) { return fmt::format("{} exchange{}", count, count == 1 ? "" : "s"); }

double Rate(double tokens, double seconds) { return seconds > 0 ? tokens / seconds : 0; }

std::string SettingLine(const SamplingName& setting, const SamplingParams& params) {
  const nlohmann::json value = setting.get(params);
  return fmt::format("  {:<20}{:<12}{}\n", setting.name, value.is_null() ? "none" : value.dump(), setting.help);
}

}  // namespace

bool Chat::RunCommand(ChatCommand command, const std::string& argument) {
  switch (command) {
    case ChatCommand::kHelp:
      screen_.Print(CommandHelp());
      break;
    case ChatCommand::kSystem:
      System(argument);
      break;
    case ChatCommand::kReset:
      Reset();
      break;
    case ChatCommand::kUndo:
      Undo();
      break;
    case ChatCommand::kRetry:
      Retry();
      break;
    case ChatCommand::kSave:
    case ChatCommand::kSaveOver:
      Save(argument, command == ChatCommand::kSaveOver);
      break;
    case ChatCommand::kLoad:
      Load(argument);
      break;
    case ChatCommand::kSet:
      Set(argument);
      break;
    case ChatCommand::kStats:
      Stats();
      break;
    case ChatCommand::kTemplate:
      screen_.Print(VisibleText(options_.template_name) + "\n");
      break;
    case ChatCommand::kExit:
      return false;
  }
  return true;
}

void Chat::System(const std::string& text) {
  if (text.empty()) {
    screen_.Print(session_.system().empty() ? "no system message; /system TEXT sets one\n"
                                            : VisibleText(session_.system()) + "\n");
    return;
  }
  if (const size_t valid = ValidUtf8Prefix(text); valid != text.size())
    throw Error(ErrorCode::kBadInput, "/system: expected UTF-8, byte {} belongs to no character", valid);
  session_.SetSystem(text == "off" ? "" : text);
  const size_t kept = session_.exchanges().size();
  screen_.Note(fmt::format("system message {} from the next message on{}", text == "off" ? "gone" : "set",
                           kept == 0 ? "" : fmt::format("; {} from before kept, /reset forgets", Exchanges(kept))));
}

void Chat::Undo() {
  if (!session_.Undo()) throw Error(ErrorCode::kUsage, "/undo: there is no message to take back");
  screen_.Note(
      fmt::format("took back the last message and its answer; {} left", Exchanges(session_.exchanges().size())));
}

void Chat::Retry() {
  if (session_.exchanges().empty()) throw Error(ErrorCode::kUsage, "/retry: there is no message to answer again");
  session_.Retry();
  Answer();
}

void Chat::Reset() {
  const size_t forgotten = session_.exchanges().size();
  session_.Reset();
  meter_.Reset();
  left_out_ = 0;
  own_file_.clear();
  screen_.Note(
      fmt::format("forgot {}{}", Exchanges(forgotten), session_.system().empty() ? "" : "; the system message stays"));
}

void Chat::Save(const std::string& path, bool over) {
  const std::string file = ExpandHome(path);
  SaveChat(file, {.session = session_, .params = params_}, over || file == own_file_);
  own_file_ = file;
  screen_.Note(fmt::format("saved {} to {}", Exchanges(session_.exchanges().size()), OneLine(file, kShownPath)));
}

void Chat::Load(const std::string& path) {
  const std::string file = ExpandHome(path);
  SavedChat chat = LoadChat(file, params_, engine_.model().spec.vocab);
  session_ = std::move(chat.session);
  params_ = std::move(chat.params);
  meter_.Reset();
  left_out_ = 0;
  own_file_ = file;
  screen_.Note(fmt::format("loaded {} from {}", Exchanges(session_.exchanges().size()), OneLine(file, kShownPath)));
  if (session_.waiting()) Answer();
}

void Chat::Set(const std::string& argument) {
  const size_t end = std::min(argument.find_first_of(" \t"), argument.size());
  const std::string name = argument.substr(0, end);
  const std::string_view value = TrimSpace(std::string_view(argument).substr(end));
  if (value.empty()) {
    std::string list;
    for (const SamplingName& setting : SamplingNames()) {
      if (name.empty() || setting.name == name) list += SettingLine(setting, params_);
    }
    if (list.empty())
      throw Error(ErrorCode::kUsage, "/set: expected /set NAME VALUE, got {} alone; /set lists the names",
                  OneLine(name, 40));
    screen_.Print(VisibleText(list));
    return;
  }
  SetSampling(params_, name, value, engine_.model().spec.vocab);
  screen_.Note(fmt::format("{} is {}", name, OneLine(value, 100)));
}

void Chat::Stats() {
  const std::vector<Exchange>& exchanges = session_.exchanges();
  const int used = exchanges.empty() ? 0 : exchanges.back().context_tokens;
  std::string text = fmt::format("context  {} of {} tokens, {}", exchanges.empty() || used > 0 ? Grouped(used) : "?",
                                 Grouped(engine_.context()), Exchanges(exchanges.size()));
  if (left_out_ > 0) text += fmt::format(", the oldest {} dropped", left_out_);
  text += "\n";
  if (last_) {
    const double decode = Rate(std::max(last_->output_tokens - 1, 0), last_->decode);
    const double bytes = DecodeBytesPerToken(engine_.model(), *last_);
    const double gb_s = bytes * decode / 1e9;
    const double peak = engine_.model().device->MeasureReadBandwidth(kBandwidthSeconds);
    text += fmt::format(
        "last     prefill {} tokens at {:.1f} tok/s; decode {} tokens at {:.1f} tok/s, {:.1f} GB/s = {:.0f} % of the "
        "{:.1f} GB/s this machine reads\n",
        last_->prompt_tokens, Rate(last_->prompt_tokens, last_->prefill), last_->output_tokens, decode, gb_s,
        peak > 0 ? 100 * gb_s / peak : 0, peak);
    if (bytes < kCachedBytes)
      text += "         (weights this small stay in the processor's cache, so memory does not limit them)\n";
  }
  text += fmt::format("session  {} answer{}; prefill {} tokens at {:.1f} tok/s; decode {} tokens at {:.1f} tok/s\n",
                      totals_.answers, totals_.answers == 1 ? "" : "s", Grouped(totals_.prompt_tokens),
                      Rate(static_cast<double>(totals_.prompt_tokens), totals_.prefill_seconds),
                      Grouped(totals_.decoded_tokens + totals_.answers),
                      Rate(static_cast<double>(totals_.decoded_tokens), totals_.decode_seconds));
  screen_.Print(text);
}

}  // namespace spate
