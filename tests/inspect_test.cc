// spate inspect and spate verify as a person or a script sees them: verdicts, exit codes, JSON.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "quant/random_blocks_for_test.h"
#include "tests/block_model.h"
#include "tests/program.h"

namespace spate {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string Source(const std::string& path) { return (fs::path(SPATE_SOURCE_DIR) / path).string(); }

TEST(InspectCommand, AnUnknownModelDoesNotRunBecause) {
  const fs::path folder = fs::temp_directory_path() / fmt::format("spate-inspect-{}", getpid());
  fs::create_directories(folder);
  fs::copy_file(Source("tests/formats/safetensors/model.safetensors"), folder / "model.safetensors");
  std::ofstream(folder / "config.json") << R"({"architectures": ["TelepathyForCausalLM"], "model_type": "telepathy"})";
  const ProgramResult text = RunProgram("inspect " + folder.string());
  EXPECT_EQ(text.status, 3);
  EXPECT_EQ(text.out, "");
  EXPECT_EQ(std::count(text.err.begin(), text.err.end(), '\n'), 1) << text.err;
  EXPECT_NE(text.err.find("TelepathyForCausalLM"), std::string::npos) << text.err;
  const ProgramResult as_json = RunProgram("inspect --json " + folder.string());
  EXPECT_EQ(as_json.status, 3);
  const json report = json::parse(as_json.out);
  EXPECT_EQ(report.at("runs"), "no");
  EXPECT_EQ(report.at("verdict").get<std::string>().rfind("does not run, because ", 0), 0u);
  EXPECT_NE(report.at("reasons")[0].get<std::string>().find("TelepathyForCausalLM"), std::string::npos);
  fs::remove_all(folder);
}

TEST(InspectCommand, NumbersForAContextAndConcurrency) {
  const std::string model = Source("tests/formats/safetensors");
  const json one = json::parse(RunProgram("inspect --json --context 1024 " + model).out);
  const json two = json::parse(RunProgram("inspect --json --context 1k --concurrency 2 --kv f32 " + model).out);
  EXPECT_EQ(one["memory"]["context"], 1024);
  EXPECT_EQ(two["memory"]["context"], 1024);
  EXPECT_EQ(two["memory"]["kv"], 4 * one["memory"]["kv"].get<int64_t>());
  const json demo = json::parse(RunProgram("inspect --json " + Source("models/demo")).out);
  EXPECT_EQ(demo["runs"], "yes");
  EXPECT_EQ(demo["verdict"], "runs");
  EXPECT_EQ(demo["chat_template"]["status"], "compiles");
  const ProgramResult more = RunProgram("inspect --context 8k " + Source("models/demo"));
  EXPECT_EQ(more.status, 4);
  EXPECT_NE(more.out.find("does not run, because the model was made for 512 positions"), std::string::npos) << more.out;
  EXPECT_EQ(RunProgram("inspect --dtype q9 " + Source("models/demo")).status, 2);
  for (const char* context : {"many", "-1", "9000000000000000000", "0x10"}) {
    EXPECT_EQ(RunProgram(fmt::format("inspect --context {} {}", context, Source("models/demo"))).status, 2) << context;
  }
}

// A format that the backend keeps and one that it does not.
TEST(InspectCommand, BlockFormatsRunInTheirOwnBitsOrConvert) {
  const fs::path path = fs::temp_directory_path() / fmt::format("spate-inspect-{}.gguf", getpid());
  for (const DType format : {DType::kQ4_K, DType::kQ3_K}) {
    BlockModel(format, [](DType f, size_t blocks, uint64_t seed) {
      return RandomBlocks(f, blocks, seed, 0.2f);
    }).Write(path);
    const json report = json::parse(RunProgram("inspect --json " + path.string()).out);
    const json& kept = report.at("kept");
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(kept[0]["stored"], Name(format));
    EXPECT_EQ(kept[0]["converted"], format == DType::kQ3_K);
    EXPECT_EQ(kept[0]["kept"], format == DType::kQ3_K ? "q8_0" : "q4_k");
    EXPECT_EQ(report.at("runs"), format == DType::kQ3_K ? "slowly" : "yes") << report.at("verdict");
  }
  fs::remove(path);
}

TEST(VerifyCommand, ExitCodes) {
  const fs::path folder = fs::temp_directory_path() / fmt::format("spate-verify-{}", getpid());
  fs::create_directories(folder);
  EXPECT_EQ(RunProgram("verify " + folder.string()).status, 3);  // not a model
  for (const char* name : {"model.safetensors", "config.json"})
    fs::copy_file(Source(std::string("tests/formats/safetensors/") + name), folder / name);
  const ProgramResult plain = RunProgram("verify " + folder.string());
  EXPECT_EQ(plain.status, 0);
  EXPECT_NE(plain.out.find("no manifest"), std::string::npos);
  EXPECT_EQ(RunProgram("verify --manifest /nonexistent " + folder.string()).status, 3);
  EXPECT_EQ(RunProgram("run --ids 1 -n 1 --verify -m " + folder.string()).status, 3);
  EXPECT_EQ(RunProgram("verify --write " + folder.string()).status, 0);
  EXPECT_EQ(RunProgram("verify " + folder.string()).status, 0);
  // Only a manifest is replaced by one.
  EXPECT_EQ(RunProgram("verify --write --manifest " + (folder / "config.json").string() + " " + folder.string()).status,
            2);
  EXPECT_EQ(RunProgram("verify " + folder.string()).status, 0);
  fs::resize_file(folder / "model.safetensors", 9000);
  const ProgramResult cut = RunProgram("verify --json " + folder.string());
  EXPECT_EQ(cut.status, 6);
  const json report = json::parse(cut.out);
  EXPECT_EQ(report["differences"][0]["what"], "changed: 9000 bytes, were 15672");
  EXPECT_NE(report["structure_problem"], "");
  EXPECT_EQ(report["passed"], false);
  fs::remove(folder / "config.json");
  const ProgramResult gone = RunProgram("verify " + folder.string());
  EXPECT_EQ(gone.status, 6);
  EXPECT_NE(gone.out.find("config.json: missing"), std::string::npos) << gone.out;
  fs::remove_all(folder);
}

TEST(VerifyCommand, JsonSaysWhatCouldNotBeDone) {
  const ProgramResult result = RunProgram("verify --json /nonexistent/model");
  EXPECT_EQ(result.status, 3);
  const json report = json::parse(result.out);
  EXPECT_EQ(report.at("path"), "/nonexistent/model");
  EXPECT_EQ(report.at("passed"), false);
  EXPECT_EQ(report.at("exit_code"), 3);
  EXPECT_EQ("spate: " + report.at("error").get<std::string>() + "\n", result.err);
}

// A folder that cannot be read is not one without a model: by permissions, or as here also for root.
TEST(InspectCommand, SaysWhyAFolderCannotBeRead) {
  const fs::path folder = fs::temp_directory_path() / fmt::format("spate-unreadable-{}", getpid());
  fs::create_directories(folder / "closed");
  fs::create_symlink("loop", folder / "loop");
  for (const char* command : {"inspect", "verify", "run --ids 1 -m"}) {
    const ProgramResult loop = RunProgram(fmt::format("{} {}/loop", command, folder.string()));
    EXPECT_EQ(loop.status, 3) << command;
    EXPECT_NE(loop.err.find("loop: cannot be opened: Too many levels"), std::string::npos) << command << loop.err;
    if (geteuid() == 0) continue;  // permissions do not hold for root
    fs::permissions(folder / "closed", fs::perms::none);
    const ProgramResult closed = RunProgram(fmt::format("{} {}/closed", command, folder.string()));
    EXPECT_EQ(closed.status, 3) << command;
    EXPECT_NE(closed.err.find("closed: cannot be listed: Permission denied"), std::string::npos) << closed.err;
    fs::permissions(folder / "closed", fs::perms::owner_all);
  }
  fs::remove_all(folder);
}

TEST(Program, SaysWhenItsOutputCannotBeWritten) {
  for (const char* arguments : {"inspect", "inspect --known", "verify"}) {
    const ProgramResult full = RunProgram(fmt::format("{} >/dev/full", arguments));
    EXPECT_EQ(full.status, 5) << arguments;
    EXPECT_NE(full.err.find("standard output: cannot write"), std::string::npos) << full.err;
  }
}

TEST(Program, MessagesStayOneLineWhateverNamesHold) {
  const ProgramResult result = RunProgram("inspect \"$(printf 'no\\nsuch\\033[31m')\"");
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_EQ(result.err.find('\x1b'), std::string::npos) << result.err;
}

}  // namespace
}  // namespace spate
