// Chat templates of any text over one conversation: they parse and render or are refused, within their limits. What was
// rendered is valid UTF-8, and rendering again gives the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const spate::ChatRequest request{
      .messages = nlohmann::ordered_json::parse(
          R"([{"role":"system","content":"Be brief."},{"role":"user","content":"Grüße \ud83d\ude42 <b>"},
              {"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f","arguments":{"x":1.5}}}]}])"),
      .tools = nlohmann::ordered_json::parse(R"([{"type":"function","function":{"name":"f","parameters":{}}}])"),
      .now = "now"};
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  try {
    const spate::ChatTemplate chat(source, "fuzz", {{"bos_token", "<s>"}, {"eos_token", "</s>"}});
    const std::string prompt = chat.Render(request);
    if (!spate::IsValidUtf8(prompt) || chat.Render(request) != prompt) std::abort();
  } catch (const spate::Error& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
  }
  return 0;
}
