#include "term/chat_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"

namespace spate {
namespace {

constexpr int kVocab = 100;

SavedChat Parse(std::string_view text) { return ParseChat(text, "file", {}, kVocab); }

std::string Refusal(std::string_view text) {
  try {
    Parse(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadInput);
    return error.what();
  }
  return "";
}

TEST(ChatFile, ReadsWhatItWrote) {
  SavedChat chat;
  chat.session.SetSystem("be \"kind\"\n");
  chat.session.Ask("\xf0\x9f\xa6\x8a\tline\nline");
  chat.session.Answer(" an answer ", true);
  chat.session.Ask("");
  chat.session.Answer("B", false);
  chat.params.temperature = 0.3f;
  chat.params.seed = 18446744073709551615u;
  chat.params.stop = {"[1]", "none"};
  const std::string text = FormatChat(chat.session, chat.params);
  const SavedChat read = Parse(text);
  EXPECT_EQ(read.session.system(), chat.session.system());
  ASSERT_EQ(read.session.exchanges().size(), 2u);
  EXPECT_EQ(read.session.exchanges()[0].user, chat.session.exchanges()[0].user);
  EXPECT_EQ(read.session.exchanges()[0].answer, " an answer ");
  EXPECT_TRUE(read.session.exchanges()[0].partial);
  EXPECT_FALSE(read.session.exchanges()[1].partial);
  EXPECT_EQ(read.params.temperature, 0.3f);
  EXPECT_EQ(read.params.seed, chat.params.seed);
  EXPECT_EQ(read.params.stop, chat.params.stop);
  EXPECT_EQ(FormatChat(read.session, read.params), text);
}

TEST(ChatFile, TakesAListOfMessages) {
  const SavedChat chat = Parse(R"([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}])");
  EXPECT_EQ(chat.session.system(), "s");
  EXPECT_TRUE(chat.session.waiting());
}

TEST(ChatFile, RefusesWithThePlace) {
  EXPECT_EQ(
      Refusal(R"([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}])"),
      "file: messages[1]: expected role \"assistant\" (a system message first, then user and assistant in turn), got "
      "\"user\"");
  EXPECT_NE(Refusal(R"([{"role": "user", "content": "a"}, {"role": "system", "content": "b"}])"), "");
  EXPECT_NE(Refusal(R"([{"role": "user", "content": ["a"]}])").find("messages[0]: content"), std::string::npos);
  EXPECT_NE(Refusal("[5]"), "");
  EXPECT_NE(Refusal("{}"), "");
  EXPECT_NE(Refusal("5"), "");
  EXPECT_NE(Refusal("{\"messages\": [], \"version\": 2}"), "");
  EXPECT_NE(Refusal("{\"messages\": [], \"format\": \"other\"}"), "");
  EXPECT_NE(Refusal("{\"messages\": [], \"settings\": {\"temperature\": -1}}").find("settings: temperature"),
            std::string::npos);
  EXPECT_NE(Refusal("{\"messages\": [], \"settings\": {\"warmth\": 1}}"), "");
  EXPECT_NE(Refusal("{\"messages\": ["), "");
}

TEST(ChatFile, SavesOverNothingThatItWasNotToldTo) {
  const std::string path = std::filesystem::temp_directory_path() / fmt::format("spate-chat-file-{}", getpid());
  std::ofstream(path) << "precious";
  EXPECT_THROW(SaveChat(path, {}, false), Error);
  EXPECT_THROW(LoadChat(path, {}, kVocab), Error);
  SaveChat(path, {}, true);
  EXPECT_TRUE(LoadChat(path, {}, kVocab).session.exchanges().empty());
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace spate
