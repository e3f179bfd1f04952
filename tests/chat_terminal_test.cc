// `spate chat` at a pseudo-terminal, as a person meets it.
#include <sys/stat.h>
#include <csignal>

#include "tests/chat_folder.h"
#include "tests/program.h"
#include "tests/terminal_program.h"

namespace spate {
namespace {

// What the program sends before it reads a line, without colours.
constexpr std::string_view kPrompt = "\033[?2004h> ";
constexpr std::string_view kUp = "\033[A";

// The reference backend is slow: an answer of 400 tokens takes seconds, time enough to stop it.
const std::vector<std::string> kSlow = {"--backend", "ref", "--ignore-eos", "-n", "400"};

class ChatTerminal : public ChatFolder {
 protected:
  void SetUp() override {
    ChatFolder::SetUp();
    if (!TerminalProgram::Available()) GTEST_SKIP() << "no pseudo-terminals here (is /dev/pts mounted?)";
  }

  std::unique_ptr<TerminalProgram> Open(const std::vector<std::string>& flags,
                                        const std::string& no_color = "1") const {
    std::vector<std::string> arguments = {"chat", "-m", kDemo, "--seed", "7"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return std::make_unique<TerminalProgram>(
        arguments,
        std::map<std::string, std::string>{
            {"HOME", folder_.string()}, {"XDG_STATE_HOME", Path("state")}, {"TERM", "xterm"}, {"NO_COLOR", no_color}});
  }
  // Types a line and waits for what it brings; then for the next prompt.
  static void Enter(TerminalProgram& chat, const std::string& line, std::string_view brings) {
    chat.Type(line + "\r");
    ASSERT_TRUE(chat.WaitFor(brings)) << "no \"" << brings << "\" in " << chat.SinceLastWait();
    ASSERT_TRUE(chat.WaitFor(kPrompt)) << chat.SinceLastWait();
  }
  nlohmann::json Messages(TerminalProgram& chat) const {
    Enter(chat, "/save! " + Path("now.json"), "(saved ");
    return ReadJson("now.json").at("messages");
  }
};

TEST_F(ChatTerminal, ShowsTheAnswerThatAPipeGets) {
  const ProgramResult pipe = RunProgram("chat -m '" + kDemo + "' --seed 7 -n 8", "HOME='" + folder_.string() + "'",
                                        Write("input", "Once upon a time\n"));
  ASSERT_EQ(pipe.status, 0) << pipe.err;
  const auto chat = Open({"-n", "8"});
  ASSERT_TRUE(chat->WaitFor("context of 512 tokens; /help")) << chat->Shown();
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  Enter(*chat, "Once upon a time", pipe.out.substr(0, pipe.out.find('\n')));
  chat->Type("\004");  // Ctrl-D
  EXPECT_EQ(chat->Finish(), 0) << chat->Shown();
}

TEST_F(ChatTerminal, CtrlCStopsTheAnswerAndKeepsItsPart) {
  const auto chat = Open(kSlow);
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  chat->Type("Once upon a time\r");
  ASSERT_TRUE(chat->WaitFor("\033[?2004l"));
  ASSERT_TRUE(chat->WaitForLetter());  // the answer's text, while it grows
  chat->Type("\003");
  ASSERT_TRUE(chat->WaitFor("(stopped; this part of the answer is kept")) << chat->Shown();
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  const nlohmann::json messages = Messages(*chat);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_TRUE(messages[1].at("partial").get<bool>());
  EXPECT_FALSE(messages[1].at("content").get<std::string>().empty());
  chat->Type("/exit\r");
  EXPECT_EQ(chat->Finish(), 0);
}

TEST_F(ChatTerminal, WaitsVisiblyAndCtrlCTakesBackWhatHasNoAnswerYet) {
  const auto chat = Open(kSlow);
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  Enter(*chat, "/set max_tokens 50", "(max_tokens is 50)");
  std::string words;
  for (int i = 0; i < 180; ++i) words += "the king ";
  chat->Type(words + "\r");
  ASSERT_TRUE(chat->WaitFor(" tokens, Ctrl-C stops")) << chat->Shown();
  chat->Type("\003");
  ASSERT_TRUE(chat->WaitFor("(stopped before the first word; the message was taken back)")) << chat->Shown();
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  EXPECT_EQ(Messages(*chat).size(), 0u);
  chat->Type("\004");
  EXPECT_EQ(chat->Finish(), 0);
}

TEST_F(ChatTerminal, CtrlCClearsTheLineAndTwiceLeaves) {
  const auto chat = Open({"-n", "4"});
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  chat->Type("never sent");
  ASSERT_TRUE(chat->WaitFor("never sent"));
  chat->Type("\003");
  ASSERT_TRUE(chat->WaitFor("(Ctrl-C again or Ctrl-D leaves)"));
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  EXPECT_EQ(Messages(*chat).size(), 0u);
  chat->Type("\003");
  ASSERT_TRUE(chat->WaitFor("leaves)")) << "a line in between: this is a first Ctrl-C again";
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  chat->Type("\003");
  EXPECT_EQ(chat->Finish(), 130);
}

TEST_F(ChatTerminal, SigtermLeavesDuringAnAnswer) {
  const auto chat = Open(kSlow);
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  chat->Type("Once upon a time\r");
  ASSERT_TRUE(chat->WaitFor("\033[?2004l"));
  chat->Signal(SIGTERM);
  EXPECT_EQ(chat->Finish(), 130) << chat->Shown();
}

TEST_F(ChatTerminal, UndoRetryResetSet) {
  const auto chat = Open({"-n", "6", "--ignore-eos"});
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  Enter(*chat, "/undo", "no message to take back");
  Enter(*chat, "Once upon a time", "(cut at 6 tokens");
  const nlohmann::json first = Messages(*chat);
  Enter(*chat, "/retry", "(cut at 6 tokens");
  const nlohmann::json second = Messages(*chat);
  ASSERT_EQ(second.size(), 2u);
  EXPECT_NE(first[1], second[1]) << "another answer, although the seed is set";
  Enter(*chat, "/set max-tokens 3", "(max-tokens is 3)");
  Enter(*chat, "Then came a fox", "(cut at 3 tokens");
  EXPECT_EQ(Messages(*chat).size(), 4u);
  Enter(*chat, "/undo", "1 exchange left");
  EXPECT_EQ(Messages(*chat), second);
  Enter(*chat, "/set temperature hot", "temperature: expected a number, got \"hot\"");
  Enter(*chat, "/set", "temperature         0.8");
  Enter(*chat, "/stats", "of 512 tokens, 1 exchange");
  Enter(*chat, "/system Be brief.", "(system message set");
  Enter(*chat, "/reset", "(forgot 1 exchange; the system message stays)");
  EXPECT_EQ(Messages(*chat).size(), 1u);
  Enter(*chat, "/rset", "did you mean /reset?");
  Enter(*chat, "/template", "chat_template.jinja");
  Enter(*chat, "/he\t", "take back the last message");
  chat->Type("/exit\r");
  EXPECT_EQ(chat->Finish(), 0);
}

TEST_F(ChatTerminal, SavesAndLoads) {
  const auto chat = Open({"-n", "6"});
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  Enter(*chat, "Once upon a time", "\r\n");
  Enter(*chat, "/set top_k 3", "(top_k is 3)");
  const nlohmann::json before = Messages(*chat);
  Enter(*chat, "/set top_k 5", "(top_k is 5)");
  Enter(*chat, "/reset", "(forgot");
  Enter(*chat, "/load /nonexistent", "/nonexistent");
  Enter(*chat, "/load " + Path("now.json"), "(loaded 1 exchange");
  Enter(*chat, "/set top_k", "top_k               3");
  EXPECT_EQ(Messages(*chat), before);
  chat->Type("/exit\r");
  EXPECT_EQ(chat->Finish(), 0);
}

TEST_F(ChatTerminal, MessagesOfManyLines) {
  const auto chat = Open({"-n", "2", "--ignore-eos"});
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  chat->Type("first \\\r");
  ASSERT_TRUE(chat->WaitFor("\033[?2004h. "));
  Enter(*chat, "second", "(cut at 2");
  chat->Type("\"\"\"\r");
  ASSERT_TRUE(chat->WaitFor("\033[?2004h. "));
  chat->Type("/exit\r");
  ASSERT_TRUE(chat->WaitFor("\033[?2004h. "));
  Enter(*chat, "\"\"\"", "(cut at 2");
  Enter(*chat, "\033[200~pasted\rtext\r\033[201~", "(cut at 2");
  Enter(*chat, "//slash", "(cut at 2");
  const nlohmann::json messages = Messages(*chat);
  ASSERT_EQ(messages.size(), 8u);
  EXPECT_EQ(messages[0].at("content"), "first \nsecond");
  EXPECT_EQ(messages[2].at("content"), "/exit");
  EXPECT_EQ(messages[4].at("content"), "pasted\ntext");
  EXPECT_EQ(messages[6].at("content"), "/slash");
  chat->Type("\004");
  EXPECT_EQ(chat->Finish(), 0);
}

TEST_F(ChatTerminal, SaysWhatItDrops) {
  const auto chat = Open({"-n", "24", "--context", "80", "--ignore-eos"});
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  Enter(*chat, "Once upon a time", "(cut at 24");
  Enter(*chat, "Then came a fox", "(cut at 24");
  Enter(*chat, "He said to the king", "(dropped 1 oldest exchange (");
  chat->Type("\004");
  EXPECT_EQ(chat->Finish(), 0);
}

TEST_F(ChatTerminal, HistoryOutlivesTheSessionAndIsPrivate) {
  {
    const auto chat = Open({"-n", "2", "--ignore-eos"});
    ASSERT_TRUE(chat->WaitFor(kPrompt));
    Enter(*chat, "Es war einmal ein K\xc3\xb6nig", "(cut at 2");
    chat->Type("\004");
    EXPECT_EQ(chat->Finish(), 0);
  }
  struct stat info {};
  ASSERT_EQ(stat(History().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const auto chat = Open({"-n", "2"});
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  chat->Type(kUp);
  EXPECT_TRUE(chat->WaitFor("einmal ein K\xc3\xb6nig")) << chat->Shown();
  chat->Type("\003");
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  chat->Type("\004");
  EXPECT_EQ(chat->Finish(), 0);
}

TEST_F(ChatTerminal, NeverObeysTheModelsControlCharacters) {
  const ProgramResult ids = RunProgram("tokenize -m '" + kDemo + "' --no-special --json \"$(printf '\\033')\"");
  const auto escape = nlohmann::json::parse(ids.out).at("ids").at(0).get<int>();
  const auto chat = Open({"-n", "3", "--ignore-eos", "--logit-bias", fmt::format("{}:10000", escape)});
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  chat->Type("x\r");
  ASSERT_TRUE(chat->WaitFor("\xe2\x90\x9b\xe2\x90\x9b\xe2\x90\x9b")) << chat->Shown();
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  EXPECT_EQ(Messages(*chat).at(1).at("content"), "\033\033\033");
  chat->Type("\004");
  EXPECT_EQ(chat->Finish(), 0);
}

TEST_F(ChatTerminal, KeysTypedDuringAnAnswerComeAfterIt) {
  const auto chat = Open({"--backend", "ref", "--ignore-eos", "-n", "30"});
  ASSERT_TRUE(chat->WaitFor(kPrompt));
  chat->Type("Once upon a time\r");
  ASSERT_TRUE(chat->WaitFor("\033[?2004l"));
  ASSERT_TRUE(chat->WaitForLetter());
  chat->Type("/template\r\004");
  EXPECT_EQ(chat->Finish(), 0) << chat->Shown();
  EXPECT_LT(chat->Shown().find("(cut at 30"), chat->Shown().find("/template")) << chat->Shown();
  EXPECT_NE(chat->Shown().find("chat_template.jinja\r\n"), std::string::npos) << chat->Shown();
}

TEST_F(ChatTerminal, ColoursUnlessTheyAreUnwanted) {
  for (const std::string no_color : {"", "1"}) {
    const auto chat = Open({"-n", "2"}, no_color);
    ASSERT_TRUE(chat->WaitFor("/help lists commands")) << chat->Shown();
    ASSERT_TRUE(chat->WaitFor("\033[?2004h"));
    chat->Type("\004");
    EXPECT_EQ(chat->Finish(), 0);
    EXPECT_EQ(chat->Shown().find("\033[2m") != std::string::npos, no_color.empty());
    EXPECT_EQ(chat->Shown().find("\033[1;32m") != std::string::npos, no_color.empty());
  }
}

}  // namespace
}  // namespace spate
