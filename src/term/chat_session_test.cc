#include "term/chat_session.h"

#include <gtest/gtest.h>

namespace spate {
namespace {

ChatSession TwoExchanges() {
  ChatSession session;
  session.SetSystem("be kind");
  session.Ask("a");
  session.Answer("A", false);
  session.Ask("b");
  session.Answer("B", true, 12);
  return session;
}

std::string Shown(const nlohmann::ordered_json& messages) {
  std::string text;
  for (const auto& message : messages) {
    text += message.at("role").get<std::string>().substr(0, 1) + ":" + message.at("content").get<std::string>() + " ";
  }
  return text;
}

TEST(ChatSession, ShowsAllButTheAnswerAskedFor) {
  ChatSession session = TwoExchanges();
  EXPECT_FALSE(session.waiting());
  EXPECT_EQ(Shown(session.PromptMessages(0)), "s:be kind u:a a:A u:b ");
  EXPECT_EQ(Shown(session.PromptMessages(1)), "s:be kind u:b ");
  session.Ask("c");
  EXPECT_TRUE(session.waiting());
  EXPECT_EQ(Shown(session.PromptMessages(0)), "s:be kind u:a a:A u:b a:B u:c ");
  session.SetSystem("");
  EXPECT_EQ(Shown(session.PromptMessages(2)), "u:c ");
}

TEST(ChatSession, UndoTakesBackAnAnsweredOrAWaitingMessage) {
  ChatSession session = TwoExchanges();
  session.Ask("c");
  EXPECT_TRUE(session.Undo());
  EXPECT_EQ(session.exchanges().size(), 2u);
  EXPECT_EQ(session.exchanges().back().context_tokens, 12);
  EXPECT_TRUE(session.Undo());
  EXPECT_TRUE(session.Undo());
  EXPECT_FALSE(session.Undo());
}

TEST(ChatSession, EachRetryIsAnotherTryAndReplacesTheAnswer) {
  ChatSession session = TwoExchanges();
  EXPECT_EQ(session.Retry(), 1u);
  EXPECT_EQ(session.Retry(), 2u);
  EXPECT_EQ(*session.exchanges().back().answer, "B") << "until there is a new one";
  session.Answer("C", false);
  EXPECT_EQ(session.exchanges().size(), 2u);
  EXPECT_EQ(*session.exchanges().back().answer, "C");
  EXPECT_FALSE(session.exchanges().back().partial);
}

TEST(ChatSession, ResetKeepsTheSystemMessage) {
  ChatSession session = TwoExchanges();
  session.Reset();
  EXPECT_TRUE(session.exchanges().empty());
  EXPECT_EQ(session.system(), "be kind");
}

}  // namespace
}  // namespace spate
