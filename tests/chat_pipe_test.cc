// `spate chat` through a pipe, as a script meets it.
#include <algorithm>

#include "tests/chat_folder.h"
#include "tests/program.h"

namespace spate {
namespace {

class ChatPipe : public ChatFolder {
 protected:
  ProgramResult Chat(const std::string& input, const std::string& flags) const {
    return RunProgram(fmt::format("chat -m '{}' --seed 7 {}", kDemo, flags),
                      fmt::format("HOME='{}' XDG_STATE_HOME='{}'", folder_.string(), Path("state")),
                      Write("input", input));
  }
};

TEST_F(ChatPipe, AnswersEachLineAndNothingElseOnStdout) {
  const ProgramResult first = Chat("Once upon a time\n", "-n 16");
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_GT(first.out.size(), 20u);
  EXPECT_EQ(std::count(first.out.begin(), first.out.end(), '\033'), 0);
  const ProgramResult both = Chat("Once upon a time\n\nThen came a fox", "-n 16");
  ASSERT_EQ(both.status, 0) << both.err;
  EXPECT_TRUE(both.out.starts_with(first.out)) << both.out;
  EXPECT_GT(both.out.size(), first.out.size());
  EXPECT_FALSE(std::filesystem::exists(History())) << "a script's lines are no history";
}

TEST_F(ChatPipe, TheFirstMessageMayBeAFlag) {
  EXPECT_EQ(Chat("", "-n 16 -p 'Once upon a time'").out, Chat("Once upon a time\n", "-n 16").out);
}

TEST_F(ChatPipe, SingleTakesAllLinesAsOneMessage) {
  const ProgramResult single = Chat("Once upon\n/exit\n", "-n 16 --single --prompt 'A tale:'");
  ASSERT_EQ(single.status, 0) << single.err;
  EXPECT_EQ(single.out, Chat("\"\"\"\nA tale:\nOnce upon\n/exit\n\"\"\"\n", "-n 16").out);
  EXPECT_EQ(Chat("", "--single").status, 2);
}

TEST_F(ChatPipe, TheFirstErrorEndsItWithItsCode) {
  const ProgramResult unknown = Chat("/rest\nOnce upon a time\n", "-n 4");
  EXPECT_EQ(unknown.status, 2);
  EXPECT_EQ(unknown.out, "");
  EXPECT_NE(unknown.err.find("unknown command /rest, did you mean /reset?"), std::string::npos) << unknown.err;

  const ProgramResult foreign = Chat("caf\xe9\n", "-n 4");
  EXPECT_EQ(foreign.status, 3);
  EXPECT_NE(foreign.err.find("byte 3"), std::string::npos) << foreign.err;
}

TEST_F(ChatPipe, RefusesAMessageThatCannotFitWithTheNumbers) {
  std::string words;
  for (int i = 0; i < 100; ++i) words += "the king ";
  const ProgramResult result = Chat(words + "\n", "-n 16 --context 64");
  EXPECT_EQ(result.status, 4);
  EXPECT_NE(result.err.find("16 are kept for the answer, the context has 64"), std::string::npos) << result.err;
}

TEST_F(ChatPipe, SaysWhatItDroppedToFit) {
  const ProgramResult result = Chat("Once upon a time\nThen came a fox\nHe said to the king\nAnd the queen\n",
                                    "-n 24 --context 70 --ignore-eos");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("dropped 1 oldest exchange ("), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("tokens) to fit 70"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("the context is 8"), std::string::npos) << result.err;
}

TEST_F(ChatPipe, SavesAndGoesOnFromWhereItWas) {
  const std::string all = Chat("Once upon a time\nThen came a fox\n", "-n 16").out;
  const ProgramResult saved =
      Chat("/set temperature 0.7\n/set temperature 0.8\nOnce upon a time\n/save " + Path("tale.json") + "\n", "-n 16");
  ASSERT_EQ(saved.status, 0) << saved.err;
  const ProgramResult loaded = Chat("Then came a fox\n", "--load " + Path("tale.json"));
  ASSERT_EQ(loaded.status, 0) << loaded.err;
  EXPECT_EQ(saved.out + loaded.out, all);

  const ProgramResult again = Chat("/save " + Path("tale.json") + "\n", "");
  EXPECT_EQ(again.status, 2) << "nobody asked for the old conversation to go";
  EXPECT_EQ(ReadJson("tale.json").at("messages").size(), 2u);
  EXPECT_EQ(Chat("/save! " + Path("tale.json") + "\n", "").status, 0);
  EXPECT_EQ(ReadJson("tale.json").at("messages").size(), 0u);
}

TEST_F(ChatPipe, TakesAnotherTemplateAndRefusesABadOne) {
  const std::string fixed = Write("fixed.jinja", "{{ bos_token }}Once upon a time");
  const ProgramResult one = Chat("x\n", "-n 12 --template " + fixed);
  ASSERT_EQ(one.status, 0) << one.err;
  EXPECT_EQ(one.out, Chat("Once upon a time\n", "-n 12").out);
  EXPECT_NE(Chat("/template\n", "--template chatml").err.find("chatml"), std::string::npos);
  EXPECT_EQ(Chat("x\n", "--template " + Write("bad.jinja", "{% if %}")).status, 3);
  EXPECT_EQ(Chat("x\n", "--template nonsense").status, 3);
}

TEST_F(ChatPipe, RefusesAModelWithoutATemplateAndSaysWhatToTry) {
  for (const auto& file : std::filesystem::directory_iterator(kDemo)) {
    if (file.path().filename() != "chat_template.jinja")
      std::filesystem::create_symlink(file.path(), folder_ / file.path().filename());
  }
  const ProgramResult result = RunProgram("chat -p x -m '" + folder_.string() + "'");
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.out, "");
  EXPECT_NE(result.err.find("--template NAME|FILE"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("spate run"), std::string::npos) << result.err;
}

TEST_F(ChatPipe, RefusesAFileThatIsNoConversation) {
  const ProgramResult result = Chat("", "--load " + Write("bad.json", R"([{"role": "user", "content": 5}])"));
  EXPECT_EQ(result.status, 3);
  EXPECT_NE(result.err.find("messages[0]"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace spate
