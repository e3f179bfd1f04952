// --print-config: every setting of a command with its value and where that came from, without loading a model.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/sampling_settings.h"

namespace spate {

// The flag itself, for commands with ModelFlags and SamplingFlags.
void AddPrintConfig(CLI::App& command, bool& target);

// The command's flags apart from those of sampling, in their order; what was not given and has no value is null.
std::vector<Setting> CommandSettings(const CLI::App& command, const std::filesystem::path& model);

// Lines of at most 100 columns, or one JSON object: name -> {value, from}.
std::string FormatSettings(const std::vector<Setting>& settings, const std::vector<std::string>& warnings, bool json);

// All of it, to standard output. Throws Error(kBadInput) where `model` is no folder.
void PrintConfig(const CLI::App& command, const std::filesystem::path& model, const SamplingSettings& sampling,
                 bool json);

}  // namespace spate
