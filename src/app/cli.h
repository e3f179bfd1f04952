// The command line as a whole: subcommands, --config, suggestions for misspelt flags. Each cmd_*.cc adds one
// subcommand, whose action is stored in Cli and run after parsing, so that errors have one way out.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace spate {

struct Cli {
  CLI::App app{"Loads a large language model as it is published and runs it fast.", "spate"};
  std::function<int()> action;  // of the subcommand that was given; returns the exit code

  // A subcommand whose `run` is called after parsing. `examples` are shown by --help, one a line.
  CLI::App* AddCommand(const std::string& name, const std::string& description, const std::string& examples,
                       std::function<int()> run);
};

// One function per cmd_*.cc.
void AddRunCommand(Cli& cli);
void AddChatCommand(Cli& cli);
void AddEvalCommand(Cli& cli);
void AddBenchCommand(Cli& cli);
void AddInspectCommand(Cli& cli);
void AddVerifyCommand(Cli& cli);
void AddTokenizeCommand(Cli& cli);
void AddConvertCommand(Cli& cli);
void AddDoctorCommand(Cli& cli);
void AddPullCommand(Cli& cli);

// argv without the program's name, with `--config FILE` replaced by the flags the file stands for: lines
// `name = value` (TOML or INI), true for a flag without value. What the command line says itself wins.
std::vector<std::string> ExpandConfig(std::vector<std::string> args);

// Parses and runs. Errors of usage are thrown as Error(kUsage); --help and --version print and return 0.
int RunCli(int argc, const char* const* argv);

// For packaging: a man page and shell completions made from the flags.
std::string ManPage(const CLI::App& app);
std::string Completion(const CLI::App& app, std::string_view shell);  // "bash" or "zsh"

}  // namespace spate
