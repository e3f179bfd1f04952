#include "tokenizer/chat_template.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <set>
#include <thread>

#include "base/error.h"
#include "tokenizer/builtin_templates.h"

namespace spate {
namespace {

using Json = nlohmann::ordered_json;

Json Golden() {
  std::ifstream file(SPATE_SOURCE_DIR "/tests/golden/templates/cases.json");
  return Json::parse(file);
}

// The rendered text, or null with `error` where it is refused.
Json Rendered(const std::string& source, const Json& request, const Json& golden, std::string& error) {
  ChatRequest chat{.messages = request.at("messages"), .now = golden.at("now")};
  chat.add_generation_prompt = request.value("add_generation_prompt", true);
  chat.variables = request;
  for (const char* key : {"messages", "add_generation_prompt", "name", "expected"}) chat.variables.erase(key);
  try {
    const ChatTemplate chat_template(source, "test", golden.at("tokens").get<std::map<std::string, std::string>>());
    return chat_template.Render(chat);
  } catch (const Error& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kBadInput);
    error = failure.what();
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    return nullptr;
  }
}

TEST(ChatTemplate, RendersWhatJinja2Renders) {
  const Json golden = Golden();
  ASSERT_GT(golden.at("cases").size(), 150u);
  for (const Json& test : golden.at("cases")) {
    std::string error;
    EXPECT_EQ(Rendered(test.at("template"), golden.at("request"), golden, error), test.at("expected"))
        << test.at("template") << "\n"
        << error;
  }
}

TEST(ChatTemplate, NamedFormatsRenderWhatJinja2Renders) {
  const Json golden = Golden();
  std::set<std::string> names;
  for (const Json& test : golden.at("builtins")) {
    std::string error;
    names.insert(test.at("name").get<std::string>());
    const auto source = FindBuiltinTemplate(test.at("name").get<std::string>());
    ASSERT_TRUE(source.has_value()) << test.at("name");
    EXPECT_EQ(Rendered(std::string(*source), test, golden, error), test.at("expected")) << test << "\n" << error;
  }
  EXPECT_EQ(names.size(), BuiltinTemplateNames().size());
  EXPECT_FALSE(FindBuiltinTemplate("nope"));
}

std::string ErrorOf(const std::string& source, const Json& messages = Json::array()) {
  try {
    ChatTemplate(source, "chatml", {}).Render({.messages = messages});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ChatTemplate, ErrorsNameTemplateLineAndCause) {
  EXPECT_EQ(ErrorOf("a\n\n{{ raise_exception('no\nway') }}"), "chatml: line 3: no\\nway");
  EXPECT_EQ(ErrorOf("{% if x %}\n{{ x.y.z }}{% else %}\n\n{{ x.y }}{% endif %}"), "chatml: line 4: 'x' is undefined");
  EXPECT_EQ(ErrorOf("\n{% nope %}"), "chatml: line 2: unknown tag 'nope'");
  EXPECT_EQ(ErrorOf("{{ messages.append(1) }}").substr(0, 31), "chatml: line 1: access to attri");
  EXPECT_EQ(ErrorOf("", Json::object()), "chatml: the messages are not a list");
  EXPECT_EQ(ErrorOf("{{ \"\xff\" }}"), "chatml: invalid UTF-8 at byte 4");
}

TEST(ChatTemplate, ThreadsRenderFromOneTemplate) {
  const ChatTemplate chat("{% for m in messages %}{{ m.content ~ 'x' | upper }}{% endfor %}", "test", {});
  const Json messages = Json::array({Json{{"role", "user"}, {"content", "a"}}});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) EXPECT_EQ(chat.Render({.messages = messages}), "aX");
    });
  }
  for (std::thread& thread : threads) thread.join();
}

std::string Repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// Every one is refused, soon. What they may take of memory is bounded by the same counters (jinja/limits.h).
TEST(ChatTemplate, BombsAreStopped) {
  const std::string deep_list =
      "{% set ns = namespace(x=[]) %}{% for i in range(50000) %}{% set ns.x = [ns.x] %}{% endfor %}";
  const std::string bombs[] = {
      "{% for i in range(10**9) %}{% endfor %}",
      "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
      "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
      "{{ 'a' * 10**9 }}",
      "{{ 'a' * 2**30 * 2**30 }}",
      "{{ [0] * 10**9 }}",
      "{{ 'x'.center(10**9) }}{{ 'x'.zfill(10**9) }}",
      "{{ '%1000000000d' % 1 }}",
      "{{ '{:1000000000}'.format(1) }}",
      "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
      "{{ ('a' * 1000000) | list | join('b' * 1000000) }}",
      "{{ 'a\nb' | indent(10**9) }}",
      "{{ [[[1]]] | tojson(indent=10**9) }}",
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% macro m(n) %}{% for i in range(9) %}{{ m(n + 1) }}{% endfor %}{% endmacro %}{{ m(0) }}",
      "{% for x in [[[]]] recursive %}{{ loop([[1]]) }}{% endfor %}",
      deep_list + "{{ ns.x }}",
      deep_list + "{{ ns.x | tojson }}",
      deep_list + "{{ ns.x == [ns.x] }}",
      "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
      "{{ " + Repeat("(", 10'000) + "1" + Repeat(")", 10'000) + " }}",
      "{{ " + Repeat("[", 10'000) + Repeat("]", 10'000) + " }}",
      "{{ " + Repeat("-", 10'000) + "1 }}",
      "{{ " + Repeat("not ", 10'000) + "1 }}",
      "{{ 1" + Repeat(" + 1", 10'000) + " }}",
      "{{ 1" + Repeat(" | abs", 10'000) + " }}",
      "{{ x" + Repeat(".x", 10'000) + " }}",
      "{{ 1" + Repeat(" if 1 else 1", 10'000) + " }}",
      Repeat("{% if 1 %}", 10'000) + Repeat("{% endif %}", 10'000),
      Repeat("{% for x in [1] %}", 10'000) + Repeat("{% endfor %}", 10'000),
      Repeat("{{x}}", 100'000),
      std::string(1 << 20, 'x'),
      "{% for i in range(100000) %}" + std::string(1000, 'x') + "{% endfor %}",
      "{% set x = 'a' * 1000000 %}{% for i in range(100000) %}{{ x.upper() | length }}{% endfor %}",
      "{% set x = 'a' * 1000000 %}{% for i in range(100000) %}{% if ('b' + x) in x %}{% endif %}{% endfor %}",
      "{% for i in range(100000) %}{% set x = messages | sort(attribute='a') | list | tojson | length %}{% for j in "
      "range(100) %}{{ [j] * 100 }}{% endfor %}{% endfor %}",
  };
  for (const std::string& bomb : bombs) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_NE(ErrorOf(bomb), "") << bomb.substr(0, 200);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    EXPECT_LT(seconds.count(), 20) << bomb.substr(0, 200);  // under a sanitizer on a busy machine; else well under 1 s
  }
}

TEST(ChatTemplate, DeepDataIsRefused) {
  Json deep = Json::array();
  for (int i = 0; i < 1000; ++i) deep = Json::array({std::move(deep)});
  EXPECT_NE(ErrorOf("x", Json::array({Json{{"content", deep}}})), "");
}

}  // namespace
}  // namespace spate
