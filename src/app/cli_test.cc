#include "app/cli.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/model_flags.h"
#include "base/error.h"

namespace spate {
namespace {

class ConfigFile : public ::testing::Test {
 protected:
  std::vector<std::string> Expand(const std::string& text, std::vector<std::string> args) {
    std::ofstream(path_) << text;
    args.push_back("--config");
    args.push_back(path_);
    return ExpandConfig(args);
  }
  void TearDown() override { std::filesystem::remove(path_); }
  std::string path_ = std::filesystem::temp_directory_path() / fmt::format("spate-cli-test-{}.toml", getpid());
};

using Args = std::vector<std::string>;

TEST_F(ConfigFile, StandsForItsFlags) {
  EXPECT_EQ(Expand("temperature = 0.5\nprompt = \"Once upon a time\"\nignore-eos = true\njson = false\n", {"run"}),
            (Args{"run", "--temperature=0.5", "--prompt=Once upon a time", "--ignore-eos"}));
  EXPECT_EQ(Expand("# a comment\n", {"run"}), (Args{"run"}));
}

TEST_F(ConfigFile, TheCommandLineWins) {
  EXPECT_EQ(Expand("temperature = 0.5\n", {"run", "--temperature", "1"}), (Args{"run", "--temperature", "1"}));
  EXPECT_EQ(Expand("temperature = 0.5\n", {"run", "--temperature=1"}), (Args{"run", "--temperature=1"}));
}

TEST_F(ConfigFile, RefusesWhatIsMissing) {
  EXPECT_THROW(ExpandConfig({"run", "--config"}), Error);
  EXPECT_THROW(ExpandConfig({"run", "--config", "/nonexistent/file"}), Error);
}

TEST(Ids, ParseOrSayWhere) {
  EXPECT_EQ(ParseIds("1,2, 3"), (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(ParseIds(" 4 5\n"), (std::vector<int32_t>{4, 5}));
  EXPECT_TRUE(ParseIds("").empty());
  EXPECT_THROW(ParseIds("1,-2"), Error);
  EXPECT_THROW(ParseIds("1,x"), Error);
  EXPECT_THROW(ParseIds("99999999999"), Error);
}

TEST(Manual, NamesEveryCommandAndFlag) {
  Cli cli;
  AddRunCommand(cli);
  AddChatCommand(cli);
  AddBenchCommand(cli);
  const std::string page = ManPage(cli.app);
  EXPECT_NE(page.find("\\-\\-temperature"), std::string::npos);
  EXPECT_NE(page.find(".SS spate bench decode"), std::string::npos);
  EXPECT_NE(page.find(".SS spate chat"), std::string::npos);
  EXPECT_NE(page.find("\\-\\-template"), std::string::npos);
  const std::string bash = Completion(cli.app, "bash");
  EXPECT_NE(bash.find("\"bench decode\") words="), std::string::npos);
  EXPECT_NE(bash.find("--repetition-penalty"), std::string::npos);
  EXPECT_NE(bash.find("\"chat\") words="), std::string::npos);
  EXPECT_THROW(Completion(cli.app, "fish"), Error);
}

}  // namespace
}  // namespace spate
