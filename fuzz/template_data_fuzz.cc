// Any JSON as conversation, tools and variables of templates that look at all of it: the named formats, and one that
// prints, sorts, cuts and compares whatever it finds. The first byte picks the template.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ordered_json.h"
#include "base/utf8.h"
#include "tokenizer/builtin_templates.h"
#include "tokenizer/chat_template.h"

namespace {

constexpr std::string_view kLooksAtAll =
    R"({{ messages | tojson }}{{ messages | tojson(indent=2, ensure_ascii=true) }}{{ messages }}
{% for m in messages %}{% for k, v in m.items() recursive %}{{ k | e }}{{ k[::-1] }}{{ k.split() }}
{% if v is string %}{{ v | trim | upper | title }}{{ v[1:3] }}{{ v.rsplit('a', 2) }}{{ v | wordwrap(5) }}{{ v % [] }}
{% elif v is mapping %}{{ loop(v.items()) }}{{ v | dictsort }}{% elif v is number %}{{ v // 7 }}{{ v % 3 }}{{ v | round(1) }}{{ '%d %x' % (v, 1) }}
{% elif v is sequence %}{{ v | sort }}{{ v | unique | list }}{{ v[0] in v }}{{ v | join }}{% endif %}{% endfor %}{% endfor %}
{{ variable }}{{ variable | pprint }}{{ tools | tojson }})";

std::vector<spate::ChatTemplate> MakeTemplates() {
  std::vector<spate::ChatTemplate> templates;
  const std::map<std::string, std::string> tokens{{"bos_token", "<s>"}, {"eos_token", "</s>"}};
  templates.emplace_back(kLooksAtAll, "all", tokens);
  for (const std::string_view name : spate::BuiltinTemplateNames()) {
    templates.emplace_back(*spate::FindBuiltinTemplate(name), name, tokens);
  }
  return templates;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<spate::ChatTemplate> templates = MakeTemplates();
  if (size == 0) return 0;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    spate::ChatRequest request{.messages = spate::ParseOrderedJson(text, {}, "fuzz"), .now = "now"};
    if (request.messages.is_object()) {
      const nlohmann::ordered_json object = request.messages;
      request.messages = object.value("messages", nlohmann::ordered_json());
      request.tools = object.value("tools", nlohmann::ordered_json());
      request.variables = object.value("variables", nlohmann::ordered_json());
    }
    if (!spate::IsValidUtf8(templates[data[0] % templates.size()].Render(request))) std::abort();
  } catch (const spate::Error&) {
  }
  return 0;
}
