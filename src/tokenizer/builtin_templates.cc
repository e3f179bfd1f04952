#include "tokenizer/builtin_templates.h"

#include <algorithm>
#include <array>
#include <utility>

namespace spate {
namespace {

// Every template refuses what its format has no words for: a tool's answer, a system message that is not the first one
// where the format ties it to the first question. The texts of a message may come in pieces ({"type": "text", ...}).

// ChatML, OpenAI's chat markup language: any role.
constexpr std::string_view kChatMl = R"({%- macro text(content) -%}
  {%- if content is string -%}{{ content }}
  {%- elif content is iterable and content is not mapping -%}
    {%- for part in content -%}{{ part.text }}{%- endfor -%}
  {%- endif -%}
{%- endmacro -%}
{%- for message in messages -%}
  {{- '<|im_start|>' ~ message.role ~ '\n' ~ text(message.content) ~ '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}
)";

// ChatGLM2: numbered rounds of question and answer.
constexpr std::string_view kChatGlm2 = R"({%- set state = namespace(round=0, system='') -%}
{%- for message in messages -%}
  {%- if message.role == 'system' and loop.first -%}
    {%- set state.system = message.content ~ '\n\n' -%}
  {%- elif message.role == 'user' -%}
    {%- set state.round = state.round + 1 -%}
    {{- '[Round ' ~ state.round ~ ']\n\n问：' ~ state.system ~ message.content ~ '\n\n答：' -}}
    {%- set state.system = '' -%}
  {%- elif message.role == 'assistant' -%}
    {{- message.content ~ '\n\n' -}}
  {%- else -%}
    {{- raise_exception('the chatglm2 format has no place for this ' ~ message.role ~ ' message') -}}
  {%- endif -%}
{%- endfor -%}
)";

// Gemma: turns of user and model; what the system says goes before the first question.
constexpr std::string_view kGemma = R"({%- set state = namespace(system='') -%}
{{- bos_token -}}
{%- for message in messages -%}
  {%- if message.role == 'system' and loop.first -%}
    {%- set state.system = message.content | trim ~ '\n\n' -%}
  {%- elif message.role in ['user', 'assistant'] -%}
    {{- '<start_of_turn>' ~ ('user' if message.role == 'user' else 'model') ~ '\n' -}}
    {{- state.system ~ message.content | trim ~ '<end_of_turn>\n' -}}
    {%- set state.system = '' -%}
  {%- else -%}
    {{- raise_exception('the gemma format has no place for this ' ~ message.role ~ ' message') -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%}
)";

// Llama 2: instructions in brackets, what the system says inside the first of them.
constexpr std::string_view kLlama2 = R"({%- set state = namespace(system='') -%}
{%- for message in messages -%}
  {%- if message.role == 'system' and loop.first -%}
    {%- set state.system = '<<SYS>>\n' ~ message.content | trim ~ '\n<</SYS>>\n\n' -%}
  {%- elif message.role == 'user' -%}
    {{- bos_token ~ '[INST] ' ~ state.system ~ message.content | trim ~ ' [/INST]' -}}
    {%- set state.system = '' -%}
  {%- elif message.role == 'assistant' -%}
    {{- ' ' ~ message.content | trim ~ ' ' ~ eos_token -}}
  {%- else -%}
    {{- raise_exception('the llama2 format has no place for this ' ~ message.role ~ ' message') -}}
  {%- endif -%}
{%- endfor -%}
)";

// Llama 3: a header before every message, of any role.
constexpr std::string_view kLlama3 = R"({%- macro text(content) -%}
  {%- if content is string -%}{{ content | trim }}
  {%- elif content is iterable and content is not mapping -%}
    {%- for part in content -%}{{ part.text }}{%- endfor -%}
  {%- endif -%}
{%- endmacro -%}
{{- bos_token -}}
{%- for message in messages -%}
  {{- '<|start_header_id|>' ~ message.role ~ '<|end_header_id|>\n\n' ~ text(message.content) ~ '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif -%}
)";

// Mistral 7B Instruct: instructions in brackets; what the system says goes before the first question.
constexpr std::string_view kMistral = R"({%- set state = namespace(system='') -%}
{{- bos_token -}}
{%- for message in messages -%}
  {%- if message.role == 'system' and loop.first -%}
    {%- set state.system = message.content ~ '\n\n' -%}
  {%- elif message.role == 'user' -%}
    {{- '[INST] ' ~ state.system ~ message.content ~ ' [/INST]' -}}
    {%- set state.system = '' -%}
  {%- elif message.role == 'assistant' -%}
    {{- ' ' ~ message.content | trim ~ eos_token -}}
  {%- else -%}
    {{- raise_exception('the mistral format has no place for this ' ~ message.role ~ ' message') -}}
  {%- endif -%}
{%- endfor -%}
)";

// Zephyr: the role on a line of its own.
constexpr std::string_view kZephyr = R"({%- for message in messages -%}
  {%- if message.role not in ['system', 'user', 'assistant'] -%}
    {{- raise_exception('the zephyr format has no place for this ' ~ message.role ~ ' message') -}}
  {%- endif -%}
  {{- '<|' ~ message.role ~ '|>\n' ~ message.content ~ eos_token ~ '\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|assistant|>\n' }}{%- endif -%}
)";

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kTemplates{{{"chatglm2", kChatGlm2},
                                                                                   {"chatml", kChatMl},
                                                                                   {"gemma", kGemma},
                                                                                   {"llama2", kLlama2},
                                                                                   {"llama3", kLlama3},
                                                                                   {"mistral", kMistral},
                                                                                   {"zephyr", kZephyr}}};

constexpr auto kNames = [] {
  std::array<std::string_view, kTemplates.size()> names{};
  for (size_t i = 0; i < names.size(); ++i) names[i] = kTemplates[i].first;
  return names;
}();

}  // namespace

std::optional<std::string_view> FindBuiltinTemplate(std::string_view name) {
  const auto* found =
      std::find_if(kTemplates.begin(), kTemplates.end(), [&](const auto& entry) { return entry.first == name; });
  if (found == kTemplates.end()) return std::nullopt;
  return found->second;
}

std::span<const std::string_view> BuiltinTemplateNames() { return kNames; }

}  // namespace spate
