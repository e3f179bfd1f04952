#include "app/cli.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "base/error.h"
#include "base/mmap_file.h"
#include "base/nearest.h"

namespace spate {
namespace {

std::vector<std::string> Flags(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    for (const std::string& name : option->get_snames()) flags.push_back("-" + name);
  }
  return flags;
}

// The subcommand that parsing reached: the deepest one that was given.
const CLI::App& Reached(const CLI::App& app) {
  const auto given = app.get_subcommands();
  return given.empty() ? app : Reached(*given.front());
}

// "spate eval logits"
std::string FullName(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : FullName(*app.get_parent()) + " " + app.get_name();
}

// CLI11 reports what it did not expect; a person wants to know what was meant instead.
[[noreturn]] void ThrowUnexpected(const CLI::App& root, const std::vector<std::string>& extras) {
  const CLI::App& app = Reached(root);
  const std::string& word = extras.front();
  if (word.rfind('-', 0) == 0) {
    const std::string flag = word.substr(0, word.find('='));
    const std::string nearest = Nearest(flag, Flags(app));
    throw Error(ErrorCode::kUsage, "{}: unknown flag {}{}; see {} --help", app.get_name(), flag,
                nearest.empty() ? "" : fmt::format(", did you mean {}?", nearest), FullName(app));
  }
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  if (names.empty())
    throw Error(ErrorCode::kUsage, "{}: unexpected argument \"{}\"; see {} --help", app.get_name(), word,
                FullName(app));
  const std::string nearest = Nearest(word, names);
  throw Error(ErrorCode::kUsage, "unknown command \"{}\"{}; known are {}", word,
              nearest.empty() ? "" : fmt::format(", did you mean {}?", nearest), fmt::join(names, ", "));
}

// Flags as people read them: a value's kind only where it has one, its default behind it, no ranges.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(30); }
  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_items_expected_max() == 0) return "";
    const std::string type = option->get_type_name();
    const std::string kind = type.substr(0, type.find(':'));
    const std::string value = option->get_default_str();
    return " " +
           (kind == "INT" || kind == "UINT" || kind == "FLOAT" ? "N"
            : kind.empty()                                     ? "VALUE"
                                                               : kind) +
           (value.empty() ? "" : " (" + value + ")");
  }
  std::string make_usage(const CLI::App* app, std::string) const override {
    return CLI::Formatter::make_usage(app, FullName(*app));
  }
  std::string make_footer(const CLI::App* app) const override { return CLI::Formatter::make_footer(app) + "\n"; }
};

}  // namespace

CLI::App* Cli::AddCommand(const std::string& name, const std::string& description, const std::string& examples,
                          std::function<int()> run) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer("Examples:\n" + examples);
  command->final_callback([this, run = std::move(run)] { action = run; });
  return command;
}

std::vector<std::string> ExpandConfig(std::vector<std::string> args) {
  constexpr size_t kMaxConfigBytes = 1 << 20;
  for (size_t i = 0; i < args.size(); ++i) {
    const bool joined = args[i].rfind("--config=", 0) == 0;
    if (!joined && args[i] != "--config") continue;
    if (!joined && i + 1 == args.size()) throw Error(ErrorCode::kUsage, "--config: expected a file");
    const std::string path = joined ? args[i].substr(9) : args[i + 1];
    args.erase(args.begin() + static_cast<std::ptrdiff_t>(i),
               args.begin() + static_cast<std::ptrdiff_t>(i + (joined ? 1 : 2)));

    std::istringstream text(ReadTextFile(path, kMaxConfigBytes));
    std::vector<std::string> flags;
    try {
      for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_config(text)) {
        if (item.name == "++" || item.name == "--") continue;  // CLI11's marks around sections
        const std::string flag = "--" + item.name;
        const bool given = std::any_of(args.begin(), args.end(),
                                       [&](const std::string& a) { return a == flag || a.rfind(flag + "=", 0) == 0; });
        if (given) continue;
        if (item.inputs.size() == 1 && item.inputs[0] == "true") {
          flags.push_back(flag);
        } else if (item.inputs.size() != 1 || item.inputs[0] != "false") {
          flags.push_back(fmt::format("{}={}", flag, fmt::join(item.inputs, ",")));
        }
      }
    } catch (const CLI::Error& error) {
      throw Error(ErrorCode::kBadInput, "{}: expected lines \"name = value\": {}", path, error.what());
    }
    args.insert(args.end(), flags.begin(), flags.end());
    return args;
  }
  return args;
}

int RunCli(int argc, const char* const* argv) {
  Cli cli;
  cli.app.set_version_flag("--version", "spate " SPATE_VERSION);
  cli.app.formatter(std::make_shared<HelpFormatter>());  // subcommands inherit it
  cli.app.require_subcommand(0, 1);
  cli.app.allow_extras();
  std::string completion;
  bool man = false;
  cli.app.add_flag("--write-man", man)->group("");  // hidden: used by packaging
  cli.app.add_option("--write-completion", completion)->group("");
  AddRunCommand(cli);
  AddChatCommand(cli);
  AddEvalCommand(cli);
  AddBenchCommand(cli);
  AddInspectCommand(cli);
  AddVerifyCommand(cli);
  AddTokenizeCommand(cli);
  AddConvertCommand(cli);
  AddDoctorCommand(cli);
  AddPullCommand(cli);
  cli.app.footer("Without -m a command uses the bundled demo model. `spate COMMAND --help` has flags and examples.");

  std::vector<std::string> args = ExpandConfig(std::vector<std::string>(argv + 1, argv + argc));
  std::reverse(args.begin(), args.end());  // CLI11 wants them so
  try {
    cli.app.parse(args);
  } catch (const CLI::ExtrasError&) {
    ThrowUnexpected(cli.app, cli.app.remaining(true));
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", Reached(cli.app).help());
    return 0;
  } catch (const CLI::CallForAllHelp&) {
    fmt::print("{}", cli.app.help("", CLI::AppFormatMode::All));
    return 0;
  } catch (const CLI::CallForVersion& version) {
    fmt::print("{}\n", version.what());
    return 0;
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    std::replace(message.begin(), message.end(), '\n', ' ');
    throw Error(ErrorCode::kUsage, "{}: {}; see {} --help", Reached(cli.app).get_name(), message,
                FullName(Reached(cli.app)));
  }
  if (const auto extras = cli.app.remaining(true); !extras.empty()) ThrowUnexpected(cli.app, extras);
  if (man) return fmt::print("{}", ManPage(cli.app)), 0;
  if (!completion.empty()) return fmt::print("{}", Completion(cli.app, completion)), 0;
  if (!cli.action) {
    fmt::print("{}", Reached(cli.app).help());
    return 0;
  }
  return cli.action();
}

}  // namespace spate
