#include "term/line_input.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "term/chat_commands.h"

namespace spate {
namespace {

constexpr std::string_view kBlock = "\"\"\"";

}  // namespace

LineStatus PlainInput::Fill() {
  while (true) {
    std::array<pollfd, 2> wait = {pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{signals_.fd(), POLLIN, 0}};
    if (poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR)
      throw Error(ErrorCode::kEnvironment, "standard input: {}", std::strerror(errno));
    signals_.Drain();
    if (signals_.ended()) return LineStatus::kTerminate;
    if (signals_.TakeInterrupt()) return LineStatus::kInterrupt;
    if (wait[0].revents == 0) continue;
    std::array<char, 65536> bytes;
    const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) throw Error(ErrorCode::kEnvironment, "standard input: {}", std::strerror(errno));
    if (count == 0) return LineStatus::kEnd;
    pending_.append(bytes.data(), static_cast<size_t>(count));
    return LineStatus::kLine;
  }
}

LineStatus PlainInput::Read(bool, std::string& line) {
  size_t searched = 0;
  LineStatus status = LineStatus::kLine;
  while (true) {
    const size_t end = pending_.find('\n', searched);
    if (end != std::string::npos || (status == LineStatus::kEnd && !pending_.empty())) {
      line = pending_.substr(0, end);
      pending_.erase(0, end == std::string::npos ? end : end + 1);
      if (line.ends_with('\r')) line.pop_back();
      return LineStatus::kLine;
    }
    if (status != LineStatus::kLine) return status;
    searched = pending_.size();
    if (searched > kMaxLineBytes)
      throw Error(ErrorCode::kBadInput, "standard input: a line of more than {} bytes", kMaxLineBytes);
    status = Fill();
  }
}

LineStatus PlainInput::ReadAll(std::string& text) {
  LineStatus status = LineStatus::kLine;
  while (status == LineStatus::kLine) {
    if (pending_.size() > kMaxLineBytes)
      throw Error(ErrorCode::kBadInput, "standard input: more than {} bytes", kMaxLineBytes);
    status = Fill();
  }
  text = std::move(pending_);
  pending_.clear();
  return status;
}

LineStatus MessageReader::Read(ChatInput& input) {
  input = {};
  bool in_block = false;
  std::string line;
  for (bool first = true;; first = false) {
    const LineStatus status = lines_.Read(first, line);
    if (status != LineStatus::kLine) return status;
    const bool mark = TrimSpace(line) == kBlock;
    if (mark && first) {
      in_block = true;
      input.literal = true;
      continue;
    }
    if (mark && in_block) {
      if (input.text.ends_with('\n')) input.text.pop_back();
      return LineStatus::kLine;
    }
    input.text += line;
    if (!in_block) {
      if (!line.ends_with('\\')) return LineStatus::kLine;
      input.text.pop_back();
    }
    input.text += '\n';
  }
}

}  // namespace spate
