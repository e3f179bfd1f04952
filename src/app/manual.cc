// The man page and the shell completions, made from the flags themselves so that they cannot differ.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "app/cli.h"
#include "base/error.h"

namespace spate {
namespace {

// Text for troff: a leading dot or quote and every backslash and hyphen mean something there.
std::string Roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    line_start = c == '\n';
  }
  return out;
}

std::vector<const CLI::App*> Commands(const CLI::App& app) {
  std::vector<const CLI::App*> commands;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) commands.push_back(sub);
  return commands;
}

std::vector<const CLI::Option*> Options(const CLI::App& app) {
  std::vector<const CLI::Option*> options;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) options.push_back(option);
  }
  return options;
}

// "-m, --model VALUE"
std::string Spelled(const CLI::Option& option) {
  std::string text;
  for (const std::string& name : option.get_snames()) text += (text.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames()) text += (text.empty() ? "--" : ", --") + name;
  if (text.empty()) return option.get_name();  // positional
  return option.get_items_expected_max() > 0 ? text + " VALUE" : text;
}

void Describe(const CLI::App& app, const std::string& title, std::string& page) {
  page += fmt::format(".SS {}\n{}\n", Roff(title), Roff(app.get_description()));
  for (const CLI::Option* option : Options(app)) {
    page += fmt::format(".TP\n\\fB{}\\fR\n{}\n", Roff(Spelled(*option)), Roff(option->get_description()));
  }
  if (!app.get_footer().empty()) page += fmt::format(".PP\n.nf\n{}\n.fi\n", Roff(app.get_footer()));
  for (const CLI::App* sub : Commands(app)) Describe(*sub, title + " " + sub->get_name(), page);
}

std::string Words(const CLI::App& app) {
  std::string words;
  for (const CLI::App* sub : Commands(app)) words += sub->get_name() + " ";
  for (const CLI::Option* option : Options(app)) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
    for (const std::string& name : option->get_snames()) words += "-" + name + " ";
  }
  if (!words.empty()) words.pop_back();
  return words;
}

// One line of the completion's table per command: "bench decode" -> its flags and subcommands.
void Cases(const CLI::App& app, const std::string& path, std::string& out) {
  out += fmt::format("    \"{}\") words=\"{}\" ;;\n", path, Words(app));
  for (const CLI::App* sub : Commands(app))
    Cases(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), out);
}

}  // namespace

std::string ManPage(const CLI::App& app) {
  std::string page = fmt::format(".TH SPATE 1 \"\" \"spate {}\" \"User Commands\"\n.SH NAME\nspate \\- {}\n",
                                 SPATE_VERSION, Roff("load, run and measure large language models"));
  page += ".SH SYNOPSIS\n.B spate\n.I COMMAND\n[flags]\n.SH DESCRIPTION\n" + Roff(app.get_description()) + "\n" +
          Roff(app.get_footer()) + "\n";
  page += ".SH COMMANDS\n";
  for (const CLI::App* command : Commands(app)) Describe(*command, "spate " + command->get_name(), page);
  page +=
      ".SH EXIT STATUS\n0 done; 1 a bug; 2 usage; 3 bad input; 4 does not fit; 5 environment; 6 measured and failed; "
      "130 interrupted.\n";
  page +=
      ".SH ENVIRONMENT\n.TP\n\\fBSPATE_DEMO\\fR\nfolder of the demo model\n.TP\n\\fBSPATE_ISA\\fR\n"
      "portable, avx2 or avx512: forces an instruction set level\n.TP\n\\fBSPATE_LOG\\fR\ndebug, info, warn or error\n"
      ".TP\n\\fBNO_COLOR\\fR\nset and not empty: no colours\n"
      ".SH FILES\n.TP\n\\fI$XDG_STATE_HOME/spate/history\\fR\nwhat was typed into chat; XDG_STATE_HOME is "
      "~/.local/state where it is not set\n";
  return page;
}

std::string Completion(const CLI::App& app, std::string_view shell) {
  if (shell != "bash" && shell != "zsh")
    throw Error(ErrorCode::kUsage, "--write-completion: expected bash or zsh, got \"{}\"", shell);
  std::string cases;
  Cases(app, "", cases);
  // zsh reads bash completions through bashcompinit, so that one table serves both.
  const std::string head = shell == "zsh" ? "#compdef spate\nautoload -Uz bashcompinit && bashcompinit\n" : "";
  return head + fmt::format(R"(_spate() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" path="" words="" i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "${{COMP_WORDS[i]}}" in
      [a-z]*) case "${{COMP_WORDS[i-1]}}" in -*) ;; *) path="${{path:+$path }}${{COMP_WORDS[i]}}" ;; esac ;;
    esac
  done
  case "$path" in
{}  esac
  case "${{COMP_WORDS[COMP_CWORD-1]}}" in
    -m|--model) COMPREPLY=($(compgen -d -- "$current")); return ;;
    -f|--file|-o|--out|--config|--load|--template) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o filenames -F _spate spate
)",
                            cases);
}

}  // namespace spate
