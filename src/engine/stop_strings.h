// StopStrings: watches streamed text for the strings that end it. The output ends at the first byte that
// completes one of them, and is cut where that one begins (of several, the longest). So the result does not
// depend on how the text was cut into pieces. Held back is only what could still become a stop string.
// One per request, not thread-safe.
//
//   StopStrings stops({"\nUser:"});
//   std::string out;
//   if (stops.Push("Hello.\nUs", out)) ...   // false; out = "Hello."
//   stops.Flush(out);                        // the end came otherwise: "\nUs"
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spate {

class StopStrings {
 public:
  explicit StopStrings(const std::vector<std::string>& strings);  // none of them empty

  // Appends what may be shown to `out`. True: a stop string was completed, and nothing more is taken.
  bool Push(std::string_view text, std::string& out);
  // Appends what was held back.
  void Flush(std::string& out);

 private:
  // Knuth, Morris and Pratt's automaton: `matched` is the longest prefix of the string that the text ends with.
  struct Matcher {
    std::string string;
    std::vector<uint32_t> border;  // [size]: of string[0, i], the longest prefix that is a suffix too
    size_t matched = 0;

    bool Advance(char c);  // true when the string is complete
  };

  std::vector<Matcher> matchers_;
  std::string held_;
};

}  // namespace spate
