#include "term/chat_context.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace spate {
namespace {

// A token a byte of content, and one for each message.
std::vector<int32_t> EncodeBytes(const nlohmann::ordered_json& messages) {
  std::vector<int32_t> ids;
  for (const auto& message : messages) {
    ids.push_back(256);
    for (const char c : message.at("content").get<std::string>()) ids.push_back(c);
  }
  return ids;
}

// `exchanges` of 9 + 9 bytes, so of 20 tokens, then a message of 10 tokens.
ChatSession Conversation(size_t exchanges) {
  ChatSession session;
  for (size_t i = 0; i < exchanges; ++i) {
    session.Ask("123456789");
    session.Answer("123456789", false);
  }
  session.Ask("123456789");
  return session;
}

TEST(ChatContext, KeepsRoomForAnAnswer) {
  EXPECT_EQ(AnswerReserve(100, 512), 100);
  EXPECT_EQ(AnswerReserve(400, 512), 256);
  EXPECT_EQ(AnswerReserve(0, 512), 128);
  EXPECT_EQ(AnswerReserve(0, 1), 1);
}

TEST(ChatContext, DropsAsFewAsPossible) {
  for (size_t exchanges = 0; exchanges < 20; ++exchanges) {
    for (int room = 10; room < 500; room += 7) {
      const FittedPrompt prompt = FitPrompt(Conversation(exchanges), EncodeBytes, room + 5, 5);
      const int whole = static_cast<int>(exchanges) * 20 + 10;
      const int over = std::max(whole - room, 0);
      ASSERT_EQ(prompt.left_out, static_cast<size_t>((over + 19) / 20)) << exchanges << " " << room;
      ASSERT_EQ(prompt.left_out_tokens, static_cast<int>(prompt.left_out) * 20);
      ASSERT_EQ(static_cast<int>(prompt.ids.size()), whole - prompt.left_out_tokens);
    }
  }
}

TEST(ChatContext, TheSystemMessageStays) {
  ChatSession session = Conversation(10);
  session.SetSystem("system");
  const FittedPrompt prompt = FitPrompt(session, EncodeBytes, 60, 10);
  EXPECT_EQ(prompt.left_out, 9u);
  EXPECT_EQ(prompt.ids[1], 's');
}

TEST(ChatContext, RendersFewTimesForALongConversation) {
  int renders = 0;
  FitPrompt(
      Conversation(1000),
      [&](const nlohmann::ordered_json& messages) {
        ++renders;
        return EncodeBytes(messages);
      },
      100, 10);
  EXPECT_LE(renders, 13);
}

TEST(ChatContext, RefusesOneMessageThatCannotFitWithTheNumbers) {
  ChatSession session;
  session.Ask(std::string(99, 'x'));
  EXPECT_EQ(FitPrompt(session, EncodeBytes, 101, 1).ids.size(), 100u);
  try {
    FitPrompt(session, EncodeBytes, 120, 30);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDoesNotFit);
    EXPECT_STREQ(error.what(),
                 "the message takes 100 tokens and 30 are kept for the answer, the context has 120; shorten it or /set "
                 "max_tokens 20");
  }
  EXPECT_THROW(FitPrompt(session, EncodeBytes, 50, 10), Error);
}

TEST(ContextMeter, WarnsOnceAtEachMark) {
  ContextMeter meter(100);
  EXPECT_FALSE(meter.Use(79));
  EXPECT_TRUE(meter.Use(80));
  EXPECT_FALSE(meter.Use(94));
  EXPECT_TRUE(meter.Use(95));
  EXPECT_FALSE(meter.Use(60));
  EXPECT_FALSE(meter.Use(100));
  meter.Reset();
  EXPECT_EQ(meter.Use(96),
            "the context is 96 % full (96 of 100 tokens); what does not fit will be dropped, oldest first");
  EXPECT_FALSE(meter.Use(85));
}

}  // namespace
}  // namespace spate
