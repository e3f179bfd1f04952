// spate pull: a model from a hub into the store, and what the store has.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>

#include "app/cli.h"
#include "app/interrupt.h"
#include "app/json_error.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"
#include "convert/pull/pull.h"
#include "term/progress.h"
#include "term/table.h"
#include "term/terminal.h"

namespace spate {
namespace {

constexpr size_t kMaxShown = 200;

struct PullFlags {
  std::string model, revision, endpoint;
  bool json = false, list = false;
};

std::string FromEnvironment(const char* name, const char* otherwise) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

// Files with a token often end in a line break, which would end the header.
std::string Token() {
  std::string token = FromEnvironment("HF_TOKEN", "");
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
  for (const char c : token) {
    if (c > 0x20 && c < 0x7f) continue;
    throw Error(ErrorCode::kUsage, "HF_TOKEN: expected letters, digits and signs, got a space or control character");
  }
  return token;
}

ModelName NameOf(const PullFlags& flags) {
  std::optional<ModelName> name = ParseModelName(flags.model);
  if (!name) {
    throw Error(ErrorCode::kUsage, "pull: expected OWNER/NAME[:QUANT], got \"{}\"; an example is Qwen/Qwen3-0.6B",
                OneLine(flags.model, kMaxShown));
  }
  if (flags.revision.empty()) return *std::move(name);
  if (!IsRevision(flags.revision)) {
    throw Error(ErrorCode::kUsage, "--revision: expected a branch, tag or commit, got \"{}\"",
                OneLine(flags.revision, kMaxShown));
  }
  const std::string in_name = name->revision.empty() ? "main" : name->revision;
  if (flags.model.find('@') != std::string::npos && in_name != flags.revision) {
    throw Error(ErrorCode::kUsage, "pull: two revisions, {} in the name and {} by --revision", in_name, flags.revision);
  }
  name->revision = flags.revision == "main" ? "" : flags.revision;
  return *std::move(name);
}

std::string StateOf(const StoredModel& m) {
  if (m.whole) return "whole";
  std::string text;
  if (!m.missing.empty()) text = fmt::format("{} missing", m.missing.size());
  if (!m.damaged.empty()) text += fmt::format("{}{} damaged", text.empty() ? "" : ", ", m.damaged.size());
  return text.empty() ? "broken off" : text;
}

int List(bool json) {
  const std::filesystem::path store = StoreFolder();
  const std::vector<StoredModel> models = ListModels(store);
  if (json) {
    nlohmann::json list = nlohmann::json::array();
    for (const StoredModel& m : models) {
      list.push_back({{"name", m.name},
                      {"path", m.path.string()},
                      {"bytes", m.bytes},
                      {"files", m.files},
                      {"whole", m.whole},
                      {"missing", m.missing},
                      {"damaged", m.damaged}});
    }
    fmt::print("{}\n", list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return 0;
  }
  if (models.empty()) {
    fmt::print("no models in {}; to fetch one: spate pull OWNER/NAME\n", (store / "models").string());
    return 0;
  }
  std::vector<std::vector<std::string>> rows{{"model", "files", "size", "state"}};
  for (const StoredModel& m : models) {
    rows.push_back(
        {OneLine(m.name, kMaxShown), std::to_string(m.files), Bytes(static_cast<double>(m.bytes)), StateOf(m)});
  }
  fmt::print("{}in {}\n", FormatTable(rows, true), (store / "models").string());
  const auto faulty = [](const StoredModel& m) { return !m.missing.empty() || !m.damaged.empty(); };
  if (const auto first = std::find_if(models.begin(), models.end(), faulty); first != models.end()) {
    const std::string& file = first->missing.empty() ? first->damaged.front() : first->missing.front();
    fmt::print(
        "{}: {}: {}; to mend it: spate pull {}\n", OneLine(first->name, kMaxShown), OneLine(file, kMaxShown),
        first->missing.empty() ? "another size than its manifest says" : "its manifest names it, it is not there",
        OneLine(first->name, kMaxShown));
  }
  return 0;
}

int Run(const PullFlags& flags) {
  if (flags.list) return List(flags.json);
  if (flags.model.empty()) throw Error(ErrorCode::kUsage, "pull: give OWNER/NAME[:QUANT], or --list");
  PullOptions options;
  options.model = NameOf(flags);
  options.store = StoreFolder();
  options.fetch.transfer.http.endpoint =
      flags.endpoint.empty() ? FromEnvironment("HF_ENDPOINT", kDefaultEndpoint) : flags.endpoint;
  options.fetch.transfer.http.token = Token();
  const InterruptGuard interrupt;
  options.fetch.stop = [&] { return interrupt.interrupted(); };
  // A bar that stands still says it; a log, and a terminal that shows no bar yet, would be silent for long.
  std::atomic<bool> has_bar = false;
  options.fetch.transfer.retrying = [&](const std::string& line) {
    if (!has_bar) LogWarn("{}", line);
  };
  std::optional<ProgressBar> checking, fetching;  // each from its first byte, so that rates are its own
  options.checking = [&](int64_t done, int64_t total) {
    has_bar = CanRedraw(stderr);
    if (!checking) checking.emplace("checking");
    checking->Update(done, total);
  };
  options.fetch.progress = [&](int64_t done, int64_t total) {
    has_bar = CanRedraw(stderr);
    checking.reset();
    if (!fetching) fetching.emplace("fetching");
    fetching->Update(done, total);
  };
  const auto start = std::chrono::steady_clock::now();
  PullReport report;
  try {
    report = Pull(options);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInterrupted) throw;
    throw Error(ErrorCode::kInterrupted,
                "pull: interrupted; what arrived is kept: the same command goes on from there");
  }
  checking.reset();
  fetching.reset();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::string name = options.model.text();
  if (flags.json) {
    nlohmann::json files = nlohmann::json::array();
    for (const auto& [file, about] : report.files) {
      files.push_back({{"name", file}, {"size", about.size}, {"sha256", about.sha256}});
    }
    const nlohmann::json json = {{"model", name},
                                 {"commit", report.commit},
                                 {"folder", report.folder.string()},
                                 {"path", ResolveModel(name, options.store).string()},
                                 {"files", files},
                                 {"bytes", report.bytes},
                                 {"fetched_bytes", report.fetched_bytes},
                                 {"seconds", seconds}};
    fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return 0;
  }
  const auto fetched = static_cast<double>(report.fetched_bytes);
  fmt::print("{} at {}: {} files, {}, in {}\n", name, report.commit.substr(0, 10), report.files.size(),
             Bytes(static_cast<double>(report.bytes)), report.folder.string());
  if (report.fetched_bytes > 0) {
    fmt::print("fetched {} in {:.1f} s, {}/s; every sum is right\n", Bytes(fetched), seconds, Bytes(fetched / seconds));
  } else {
    fmt::print("all was there already; every sum is right\n");
  }
  fmt::print("to run it: spate run -m {} -p \"Once upon a time\"\n", name);
  return 0;
}

}  // namespace

void AddPullCommand(Cli& cli) {
  auto flags = std::make_shared<PullFlags>();
  CLI::App* command = cli.AddCommand(
      "pull", "Fetches a model from a Hugging Face-compatible hub; -m OWNER/NAME then means it.",
      "  spate pull Qwen/Qwen3-0.6B\n"
      "  spate pull Qwen/Qwen3-0.6B-GGUF:Q8_0\n"
      "  HF_TOKEN=hf_... spate pull meta-llama/Llama-3.2-1B\n"
      "  spate pull --list\n"
      "Models lie in $SPATE_HOME/models (without it ~/.local/share/spate/models). A pull that broke off goes on\n"
      "where it was. HF_TOKEN is sent to the endpoint's own host alone.",
      [flags] {
        return RunWithJsonError(flags->json, {{"model", flags->model}}, [&] { return Run(*flags); });
      });
  command->add_option("model", flags->model, "OWNER/NAME; :QUANT chooses among GGUF files, as in :Q4_K_M");
  command->add_option("--revision", flags->revision, "branch, tag or commit; then -m OWNER/NAME@REVISION")
      ->default_str("main");
  command->add_option("--endpoint", flags->endpoint,
                      "address of the hub. Default: HF_ENDPOINT, else https://huggingface.co");
  command->add_flag("--list", flags->list, "what has been fetched, with names for -m and sizes");
  command->add_flag("--json", flags->json, "one JSON object, or with --list an array");
  command->add_option_function<std::string>(
      "--config", [](const std::string&) {}, "file of flags, a line each: name = value");
}

}  // namespace spate
