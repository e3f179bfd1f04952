// `spate pull` and names of models as a person types them: what is said and how it ends, without a network.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/program.h"

namespace spate {
namespace {

// A store that is not there, and an endpoint where nobody listens.
const std::string kNowhere = "SPATE_HOME=/nonexistent/spate HF_ENDPOINT=http://127.0.0.1:1 HF_TOKEN=hf_secret";

void ExpectOneLine(const ProgramResult& result, int status, const std::string& text) {
  EXPECT_EQ(result.status, status) << result.err;
  EXPECT_NE(result.err.find(text), std::string::npos) << result.err;
  EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
  EXPECT_EQ(result.err.find("hf_secret"), std::string::npos);
  EXPECT_EQ(result.out, "");
}

TEST(PullCommand, SaysWhatANameIs) {
  ExpectOneLine(RunProgram("pull", kNowhere), 2, "give OWNER/NAME");
  ExpectOneLine(RunProgram("pull nobody", kNowhere), 2, "expected OWNER/NAME[:QUANT], got \"nobody\"");
  ExpectOneLine(RunProgram("pull ../../etc", kNowhere), 2, "expected OWNER/NAME");
  ExpectOneLine(RunProgram("pull a/b --revision ../x", kNowhere), 2, "--revision: expected a branch");
  ExpectOneLine(RunProgram("pull a/b@v1 --revision v2", kNowhere), 2, "two revisions");
  ExpectOneLine(RunProgram("pull a/b@main:Q4_0 --revision dev", kNowhere), 2, "two revisions, main in the name");
  ExpectOneLine(RunProgram("pull a/b --endpoint https://me:pw@127.0.0.1:1", kNowhere), 2, "--endpoint");
}

TEST(PullCommand, JsonSaysWhatCouldNotBeDone) {
  const ProgramResult result = RunProgram("pull nobody --json", kNowhere);
  EXPECT_EQ(result.status, 2);
  const nlohmann::json report = nlohmann::json::parse(result.out);
  EXPECT_EQ(report.at("model"), "nobody");
  EXPECT_EQ(report.at("exit_code"), 2);
  EXPECT_EQ("spate: " + report.at("error").get<std::string>() + "\n", result.err);
}

TEST(PullCommand, ModelsThatAreNotThereAreToBePulled) {
  for (const char* command : {"run -p x -m", "inspect", "tokenize x -m"}) {
    ExpectOneLine(RunProgram(std::string(command) + " nobody/nothing", kNowhere), 3, "spate pull nobody/nothing");
  }
}

TEST(PullCommand, ListsAnEmptyStore) {
  const ProgramResult list = RunProgram("pull --list", kNowhere);
  EXPECT_EQ(list.status, 0) << list.err;
  EXPECT_NE(list.out.find("no models in /nonexistent/spate/models"), std::string::npos);
  EXPECT_EQ(RunProgram("pull --list --json", kNowhere).out, "[]\n");
}

}  // namespace
}  // namespace spate
