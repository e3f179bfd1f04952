#include "engine/stop_strings.h"

#include <algorithm>

#include "base/check.h"

namespace spate {

StopStrings::StopStrings(const std::vector<std::string>& strings) {
  for (const std::string& string : strings) {
    CHECK(!string.empty());
    Matcher m{.string = string, .border = std::vector<uint32_t>(string.size(), 0)};
    uint32_t length = 0;
    for (size_t i = 1; i < string.size(); ++i) {
      while (length > 0 && string[i] != string[length]) length = m.border[length - 1];
      if (string[i] == string[length]) ++length;
      m.border[i] = length;
    }
    matchers_.push_back(std::move(m));
  }
}

bool StopStrings::Matcher::Advance(char c) {
  while (matched > 0 && string[matched] != c) matched = border[matched - 1];
  if (string[matched] == c) ++matched;
  return matched == string.size();
}

bool StopStrings::Push(std::string_view text, std::string& out) {
  if (matchers_.empty()) {
    out += text;
    return false;
  }
  for (const char c : text) {
    held_ += c;
    size_t complete = 0;
    for (Matcher& m : matchers_) {
      if (m.Advance(c)) complete = std::max(complete, m.string.size());
    }
    if (complete > 0) {
      out.append(held_, 0, held_.size() - complete);
      held_.clear();
      return true;
    }
  }
  size_t keep = 0;
  for (const Matcher& m : matchers_) keep = std::max(keep, m.matched);
  out.append(held_, 0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return false;
}

void StopStrings::Flush(std::string& out) {
  out += held_;
  held_.clear();
}

}  // namespace spate
