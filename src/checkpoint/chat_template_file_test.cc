#include "checkpoint/chat_template_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

class ChatTemplateFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "additional_chat_templates");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
  std::string Found(bool tools) const {
    const auto file = FindChatTemplate(folder_, tools);
    return file ? file->name + ":" + file->source : "none";
  }

  fs::path folder_;
};

TEST_F(ChatTemplateFiles, NothingIsGuessed) {
  EXPECT_EQ(Found(false), "none");
  Write("tokenizer_config.json", R"({"chat_template":null,"bos_token":"<s>"})");
  EXPECT_EQ(Found(true), "none");
}

TEST_F(ChatTemplateFiles, TheJinjaFileGoesBeforeTheConfigs) {
  Write("tokenizer_config.json", R"({"chat_template":"config"})");
  EXPECT_EQ(Found(false), "tokenizer_config.json:config");
  Write("chat_template.json", R"({"chat_template":"json"})");
  EXPECT_EQ(Found(false), "chat_template.json:json");
  Write("chat_template.jinja", "file");
  EXPECT_EQ(Found(true), "chat_template.jinja:file");
  Write("additional_chat_templates/tool_use.jinja", "tools");
  EXPECT_EQ(Found(true), "tool_use.jinja:tools");
  EXPECT_EQ(Found(false), "chat_template.jinja:file");
}

TEST_F(ChatTemplateFiles, ListsAreChosenFromByName) {
  Write("tokenizer_config.json",
        R"({"chat_template":[{"name":"default","template":"a"},{"name":"tool_use","template":"b"}]})");
  EXPECT_EQ(Found(false), "tokenizer_config.json (default):a");
  EXPECT_EQ(Found(true), "tokenizer_config.json (tool_use):b");
  Write("tokenizer_config.json", R"({"chat_template":[{"name":"rag","template":"a"}]})");
  EXPECT_THROW(FindChatTemplate(folder_, false), Error);
  Write("tokenizer_config.json", R"({"chat_template":7})");
  EXPECT_THROW(FindChatTemplate(folder_, false), Error);
  Write("tokenizer_config.json", R"({"chat_template":[{"name":"default"}]})");
  EXPECT_THROW(FindChatTemplate(folder_, false), Error);
}

TEST_F(ChatTemplateFiles, SpecialTokensComeFromBothFiles) {
  Write("special_tokens_map.json", R"({"bos_token":"<a>","pad_token":{"content":"<p>","lstrip":false}})");
  Write("tokenizer_config.json",
        R"({"bos_token":{"content":"<s>"},"eos_token":"</s>","unk_token":null,"add_bos_token":true})");
  const std::map<std::string, std::string> expected{{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"pad_token", "<p>"}};
  EXPECT_EQ(ReadSpecialTokens(folder_), expected);
}

}  // namespace
}  // namespace spate
