// TextStream: the text of one request's output while it is generated: ids to characters, and the stop strings.
// Owned by the request, not thread-safe; the tokenizer outlives it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/stop_strings.h"
#include "tokenizer/detokenizer.h"

namespace spate {

class TextStream {
 public:
  TextStream(const Tokenizer& tokenizer, const std::vector<std::string>& stop);

  // Appends the text that is certain by now to `out`. True: a stop string ended it; no more calls.
  bool Push(int32_t id, std::string& out);
  // The output ended otherwise: appends what was held back. True: a stop string ended it after all.
  bool Finish(std::string& out);

 private:
  Detokenizer detokenizer_;
  StopStrings stops_;
};

}  // namespace spate
