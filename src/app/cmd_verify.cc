// spate verify: whether a model on disk is whole, holds numbers only, and is what its manifest says.
#include <fmt/format.h>

#include "app/cli.h"
#include "app/json_error.h"
#include "app/model_flags.h"
#include "base/error.h"
#include "base/utf8.h"
#include "convert/verify.h"
#include "term/progress.h"
#include "term/table.h"

namespace spate {
namespace {

constexpr size_t kMaxListed = 20;  // of a kind, for people; --json has all

struct VerifyFlags {
  std::string model, manifest;
  bool write = false, json = false;
};

std::string Verdict(const Verification& v) {
  if (v.Passed()) return v.written ? "all right; the manifest was written" : "all right";
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  if (!v.structure_problem.empty()) add("the structure is broken");
  if (!v.bad_tensors.empty()) add(fmt::format("tensors with NaN or infinity: {}", v.bad_tensors.size()));
  if (!v.differences.empty()) add(fmt::format("files that differ from the manifest: {}", v.differences.size()));
  return "failed: " + text;
}

void PrintJson(const std::string& model, const Verification& v) {
  nlohmann::json tensors = nlohmann::json::array(), files = nlohmann::json::array();
  for (const BadTensor& t : v.bad_tensors) {
    tensors.push_back({{"name", t.name},
                       {"format", t.format},
                       {"nan", t.bad.nan},
                       {"inf", t.bad.inf},
                       {"blocks", t.bad.blocks},
                       {"first", t.bad.first}});
  }
  for (const FileDifference& f : v.differences) files.push_back({{"name", f.name}, {"what", f.what}});
  const nlohmann::json report = {{"path", model},
                                 {"format", v.format},
                                 {"architecture", v.architecture},
                                 {"structure_problem", v.structure_problem},
                                 {"tensors", v.tensors},
                                 {"bad_tensors", tensors},
                                 {"manifest", v.manifest},
                                 {"written", v.written},
                                 {"differences", files},
                                 {"not_covered", v.not_covered},
                                 {"files", v.files},
                                 {"bytes", v.bytes},
                                 {"seconds", v.seconds},
                                 {"gb_s", v.seconds > 0 ? static_cast<double>(v.bytes) * 1e-9 / v.seconds : 0},
                                 {"passed", v.Passed()},
                                 {"verdict", Verdict(v)}};
  fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string Sums(const Verification& v) {
  if (v.written) return fmt::format("{} files, written to {}", v.files, v.manifest);
  if (v.manifest.empty()) return "not checked: no manifest; `spate verify M --write` makes one";
  return fmt::format("{} files against {}{}", v.files, v.manifest,
                     v.not_covered.empty() ? "" : fmt::format(", which leaves out {}", v.not_covered.size()));
}

void PrintText(const Verification& v) {
  const auto line = [](std::string_view name, const std::string& value) { fmt::print("{:<11}{}\n", name, value); };
  line("structure", v.structure_problem.empty()
                        ? fmt::format("all right: {}, {} tensors, {}", v.architecture, v.tensors, v.format)
                        : v.structure_problem);
  line("values", v.bad_tensors.empty() ? v.tensors > 0 ? "all numbers" : "not checked: no tensors could be found"
                                       : "NaN or infinity in:");
  std::vector<std::vector<std::string>> rows = {{"tensor", "format", "NaN", "infinite", "blocks", "first at"}};
  for (size_t i = 0; i < std::min(v.bad_tensors.size(), kMaxListed); ++i) {
    const BadTensor& t = v.bad_tensors[i];
    rows.push_back({OneLine(t.name, 60), t.format, Grouped(t.bad.nan), Grouped(t.bad.inf),
                    t.bad.blocks > 0 ? Grouped(t.bad.blocks) : "-", Grouped(t.bad.first)});
  }
  if (rows.size() > 1) fmt::print("{}", FormatTable(rows, true));
  if (v.bad_tensors.size() > kMaxListed) fmt::print("... and {} more (--json)\n", v.bad_tensors.size() - kMaxListed);
  line("sums", Sums(v));
  for (size_t i = 0; i < std::min(v.differences.size(), kMaxListed); ++i) {
    fmt::print("  {}: {}\n", OneLine(v.differences[i].name, 120), v.differences[i].what);
  }
  for (size_t i = 0; i < std::min(v.not_covered.size(), kMaxListed); ++i) {
    fmt::print("  {}: not in the list, not compared\n", OneLine(v.not_covered[i], 120));
  }
  if (v.differences.size() > kMaxListed) fmt::print("  ... and {} more (--json)\n", v.differences.size() - kMaxListed);
  line("read", fmt::format("{} in {:.2f} s, {:.2f} GB/s", Bytes(static_cast<double>(v.bytes)), v.seconds,
                           v.seconds > 0 ? static_cast<double>(v.bytes) * 1e-9 / v.seconds : 0));
  line("verdict", Verdict(v));
}

int Run(const VerifyFlags& flags) {
  const std::filesystem::path model = ModelPath(flags.model);
  Verification v;
  {
    ProgressBar bar("verifying");
    v = Verify(model, {.manifest = flags.manifest, .write = flags.write, .progress = [&](int64_t done, int64_t total) {
                         bar.Update(done, total);
                       }});
  }
  if (flags.json) {
    PrintJson(model.string(), v);
  } else {
    PrintText(v);
  }
  return v.Passed() ? 0 : static_cast<int>(ErrorCode::kVerdict);
}

}  // namespace

void AddVerifyCommand(Cli& cli) {
  auto flags = std::make_shared<VerifyFlags>();
  CLI::App* command = cli.AddCommand(
      "verify", "Checks a model on disk: structure, NaN and infinity, SHA-256 sums.",
      "  spate verify ./Llama-3.2-1B --write\n  spate verify ./Llama-3.2-1B\n"
      "  spate verify model.gguf --manifest SHA256SUMS --json",
      [flags] {
        return RunWithJsonError(flags->json, {{"path", flags->model}, {"passed", false}}, [&] { return Run(*flags); });
      });
  command->add_option("model,-m,--model", flags->model, "folder or file; without it the demo model");
  command->add_option("--manifest", flags->manifest,
                      "file with sums, of --write or sha256sum. Default: that beside the model");
  command->add_flag("--write", flags->write, "make the manifest of what is there now, instead of comparing");
  command->add_flag("--json", flags->json, "one JSON object");
  command->add_option_function<std::string>(
      "--config", [](const std::string&) {}, "file of flags, a line each: name = value");
}

}  // namespace spate
