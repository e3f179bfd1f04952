#include "app/print_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/sampling_flags.h"
#include "base/error.h"
#include "term/table.h"

namespace spate {
namespace {

// Beside the longest name and origin in 100 columns.
constexpr size_t kValueColumns = 32;

// Not settings: they ask for something else than a run, or stand for other flags.
bool IsHidden(const std::string& name) {
  constexpr std::string_view kHidden[] = {"help", "config", "print-config"};
  return std::find(std::begin(kHidden), std::end(kHidden), name) != std::end(kHidden);
}

std::string SnakeCase(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string Dump(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// A string as it is, if it can be read as one; everything else as JSON.
std::string Shown(const nlohmann::json& value) {
  if (value.is_null() || (value.is_array() && value.empty())) return "-";
  const std::string text = Dump(value);
  const bool plain = value.is_string() && text.find('\\') == std::string::npos && text.size() > 2;
  return plain ? value.get<std::string>() : text;
}

}  // namespace

void AddPrintConfig(CLI::App& command, bool& target) {
  command.add_flag("--print-config", target,
                   "print every setting with where it comes from, then end; loads no weights, and --json works");
}

std::vector<Setting> CommandSettings(const CLI::App& command, const std::filesystem::path& model) {
  std::vector<Setting> settings;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group() == SamplingFlags::kGroup || option->get_lnames().empty()) continue;
    const std::string& name = option->get_lnames().front();
    if (IsHidden(name)) continue;
    const bool given = option->count() > 0;
    nlohmann::json value;
    if (option->get_items_expected_max() == 0) {
      value = given;
    } else if (given) {
      value = fmt::format("{}", fmt::join(option->results(), ","));
    } else if (!option->get_default_str().empty()) {
      value = option->get_default_str();
    }
    if (value.is_string() && option->get_type_name().starts_with("INT")) value = std::stoll(value.get<std::string>());
    if (name == "model") value = model.string();
    settings.push_back({SnakeCase(name), std::move(value), given ? "flag" : "default"});
  }
  return settings;
}

std::string FormatSettings(const std::vector<Setting>& settings, const std::vector<std::string>& warnings, bool json) {
  if (json) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (const Setting& s : settings) object[s.name] = {{"value", s.value}, {"from", s.source}};
    nlohmann::ordered_json root = {{"settings", std::move(object)}, {"warnings", warnings}};
    return Dump(root) + "\n";
  }
  std::vector<std::vector<std::string>> rows = {{"setting", "value", "from"}};
  for (const Setting& s : settings) {
    std::string value = Shown(s.value);
    std::string name = s.name, source = s.source;
    while (value.size() > kValueColumns) {                             // on several lines: no value is cut
      size_t end = value.find_last_of(";, /", kValueColumns - 1) + 1;  // 0 = none
      if (end == 0) end = kValueColumns;
      while (end > 1 && (value[end] & 0xc0) == 0x80) --end;  // not inside a character
      rows.push_back({std::exchange(name, ""), value.substr(0, end), std::exchange(source, "")});
      value.erase(0, end);
    }
    rows.push_back({name, value, source});
  }
  std::string text = FormatTable(rows, true);
  for (const std::string& warning : warnings) text += "warning: " + warning + "\n";
  return text;
}

void PrintConfig(const CLI::App& command, const std::filesystem::path& model, const SamplingSettings& sampling,
                 bool json) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(model, ignored)) {
    throw Error(ErrorCode::kBadInput, "{}: expected a Hugging Face folder, {}", model.string(),
                std::filesystem::exists(model, ignored) ? "this is no folder" : "it does not exist");
  }
  std::vector<Setting> settings = CommandSettings(command, model);
  for (Setting& setting : sampling.List()) settings.push_back(std::move(setting));
  const std::string text = FormatSettings(settings, sampling.warnings(), json);
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace spate
