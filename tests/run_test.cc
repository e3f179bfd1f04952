// `spate run` on the bundled model, as a person meets it.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/program.h"

namespace spate {
namespace {

const std::string kRun = "run -m " SPATE_SOURCE_DIR "/models/demo -p 'Once upon a time' -n 24 ";

TEST(Run, TheSameSeedGivesTheSameTextWithAnyThreads) {
  const ProgramResult one = RunProgram(kRun + "--quiet --seed 7 --threads 1");
  ASSERT_EQ(one.status, 0) << one.err;
  EXPECT_EQ(one.out, RunProgram(kRun + "--quiet --seed 7 --threads 2").out);
  EXPECT_NE(one.out, RunProgram(kRun + "--quiet --seed 8").out);
  EXPECT_EQ(one.err, "");
}

TEST(Run, AReportedSeedRepeatsTheText) {
  const nlohmann::json first = nlohmann::json::parse(RunProgram(kRun + "--json").out);
  const auto seed = first.at("seed").get<uint64_t>();
  const nlohmann::json again = nlohmann::json::parse(RunProgram(kRun + fmt::format("--json --seed {}", seed)).out);
  EXPECT_EQ(first.at("output_ids"), again.at("output_ids"));
  EXPECT_EQ(first.at("output_ids").size(), 24u);
}

TEST(Run, TextEndsItsLineBeforeTheFiguresWhereBothGoToOneFile) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / fmt::format("spate-run-{}", getpid());
  const ProgramResult text = RunProgram(kRun + "--quiet --seed 7");
  RunProgram(kRun + "--seed 7 >'" + file.string() + "' 2>&1; true");
  std::ifstream stream(file);
  const std::string both(std::istreambuf_iterator<char>(stream), {});
  std::filesystem::remove(file);
  EXPECT_TRUE(both.starts_with(text.out + "prefill ")) << both;
}

TEST(Run, PrintsEverySettingAndWhereItCameFrom) {
  const ProgramResult table = RunProgram(kRun + "--print-config --top-k 40");
  ASSERT_EQ(table.status, 0) << table.err;
  std::string rows = "\n" + table.out;  // with one space between columns
  rows.erase(std::unique(rows.begin(), rows.end(), [](char a, char b) { return a == ' ' && b == ' '; }), rows.end());
  const auto has = [&](const std::string& row) { return rows.find("\n" + row + "\n") != std::string::npos; };
  EXPECT_TRUE(has("top_k 40 flag")) << table.out;
  EXPECT_TRUE(has("top_p 0.95 generation_config.json")) << table.out;
  EXPECT_TRUE(has("dry_base 1.75 default")) << table.out;
  EXPECT_TRUE(has("prompt Once upon a time flag")) << table.out;
  std::istringstream lines(table.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;

  const ProgramResult text = RunProgram(kRun + "--print-config --json --mirostat 2 --bad-word moon");
  ASSERT_EQ(text.status, 0) << text.err;
  const nlohmann::json settings = nlohmann::json::parse(text.out).at("settings");
  EXPECT_EQ(settings["mirostat"], (nlohmann::json{{"value", 2}, {"from", "flag"}}));
  EXPECT_EQ(settings["top_p"], (nlohmann::json{{"value", 1}, {"from", "off: mirostat"}}));
  EXPECT_EQ(settings["bad_words"]["value"], nlohmann::json{"moon"});
  EXPECT_EQ(settings["max_batch_tokens"]["value"], 512);
}

TEST(Run, PrintsSettingsWithoutWeights) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("spate-config-{}", getpid());
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "generation_config.json") << R"({"typical_p": 0.5, "epsilon_cutoff": 0.01})";
  const ProgramResult result = RunProgram("run --print-config -m '" + folder.string() + "'");
  std::filesystem::remove_all(folder);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("epsilon_cutoff 0.01 is not supported"), std::string::npos) << result.out;
  const ProgramResult missing = RunProgram("run --print-config -m '" + folder.string() + "'");
  EXPECT_EQ(missing.status, 3);
}

TEST(Run, RefusesWhatDoesNotGoTogether) {
  const std::pair<const char*, const char*> cases[] = {
      {"--samplers 'top_k;top_x'", "\"top_x\" is no sampler"},
      {"--samplers 'top_k;top_k'", "twice"},
      {"--samplers 'top_k;temperature' --top-p 0.5", "not among the samplers"},
      {"--mirostat 1", "expected 0 (off) or 2"},
      {"--mirostat 2 --top-k 5", "top_k 5"},
      {"--mirostat 2 --temperature 0", "temperature above 0"},
      {"--xtc-probability 1.5", "--xtc-probability: expected a number in [0, 1], got 1.5"},
      {"--dry-allowed-length 0", "--dry-allowed-length: expected an integer in [1, 50], got 0"},
  };
  for (const auto& [flags, reason] : cases) {
    const ProgramResult result = RunProgram(kRun + flags);
    EXPECT_EQ(result.status, 2) << flags;
    EXPECT_NE(result.err.find(reason), std::string::npos) << flags << ": " << result.err;
    EXPECT_EQ(result.out, "") << flags;
  }
}

TEST(Run, SamplersChangeTheText) {
  const auto text = [](const std::string& flags) {
    const ProgramResult result = RunProgram(kRun + "--quiet --seed 3 " + flags);
    EXPECT_EQ(result.status, 0) << flags << ": " << result.err;
    return result.out;
  };
  const std::string usual = text("");
  EXPECT_EQ(text("--samplers 'penalties;dry;top_n_sigma;temperature;top_k;typical_p;top_p;min_p;xtc'"), usual);
  EXPECT_EQ(text("--typical-p 1 --dry-multiplier 0 --xtc-probability 0 --mirostat 0"), usual);
  for (const std::string flags :
       {"--typical-p 0.3", "--top-n-sigma 0.5", "--xtc-probability 1 --xtc-threshold 0.05", "--mirostat 2",
        "--dynatemp-range 0.7", "--bad-word wife", "--dry-multiplier 5 --dry-allowed-length 1 --temperature 1.5"}) {
    const std::string other = text(flags);
    EXPECT_NE(other, usual) << flags;
    EXPECT_EQ(other, text(flags + " --threads 1")) << flags;
  }
}

TEST(Run, ABadWordDoesNotAppear) {
  const auto text = [](const std::string& flags) {
    return RunProgram("run -m " SPATE_SOURCE_DIR "/models/demo -p 'Once upon a time' --quiet --temperature 0 -n 120 " +
                      flags)
        .out;
  };
  const std::string plain = text("");
  ASSERT_NE(plain.find(" the "), std::string::npos) << plain;
  EXPECT_EQ(text("--bad-word the").find(" the "), std::string::npos);
}

}  // namespace
}  // namespace spate
