#include "app/model_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cstdlib>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"
#include "convert/pull/model_store.h"
#include "convert/verify.h"
#include "term/progress.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

std::optional<DType> ParseFlag(const std::string& flag, const std::string& value,
                               std::initializer_list<DType> allowed) {
  if (value.empty()) return std::nullopt;
  const std::optional<DType> dtype = ParseDType(value);
  for (const DType a : allowed) {
    if (dtype == a) return a;
  }
  std::vector<std::string_view> names;
  for (const DType a : allowed) names.push_back(Name(a));
  throw Error(ErrorCode::kUsage, "{}: unknown format \"{}\"; expected one of {}", flag, value, fmt::join(names, ", "));
}

}  // namespace

void ModelFlags::AddTo(CLI::App& command) {
  command.add_option("-m,--model", model_,
                     "Hugging Face folder, .gguf file, Meta, MLC or xLLM model, or OWNER/NAME[:QUANT] from\n"
                     "spate pull; without it the demo model");
  command.add_option("--backend", backend_, "cpu, or ref: slow, the definition")->capture_default_str();
  command.add_option("--threads,-t", threads_, "compute threads; 0 = as many as this process may use")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command.add_option("--dtype", dtype_,
                     "weights as f32, f16 or bf16; f32 means activations and KV too. Default: as stored");
  command.add_option("--kv", kv_, "KV cache as f32 or bf16. Default: bf16, or f32 with --dtype f32");
  command.add_option("--num-layers", num_layers_, "run the first K layers only; 0 = all")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  command.add_flag("--dummy", dummy_, "seeded random weights: the folder needs only config.json");
  CLI::Option* mapped = command.add_flag("--mmap", mmap_, "load through the page cache, which keeps the file there");
  command.add_flag("--no-mmap")
      ->description("load into buffers, around the page cache of a fast disk: the default")
      ->excludes(mapped);
  command.add_flag("--verify", verify_,
                   "before loading, compare the files' SHA-256 sums with the manifest beside them");
  command.add_option_function<std::string>(
      "--config", [](const std::string&) {},
      "file of flags, a line each: name = value");  // replaced before parsing; here for --help
}

fs::path ModelFlags::path() const { return ModelPath(model_); }

ModelOptions ModelFlags::Options() const {
  ModelOptions options;
  options.path = path();
  options.backend = backend_;
  options.threads = threads_;
  options.dtype = ParseWeightFormat(dtype_);
  options.kv_dtype = ParseKvFormat(kv_);
  options.num_layers = num_layers_;
  options.dummy = dummy_;
  options.read = mmap_ ? ReadMode::kMapped : ReadMode::kBuffers;
  return options;
}

void ModelFlags::CheckFiles(bool show_progress) const {
  if (!verify_ || checked_) return;
  ProgressBar bar("verifying");
  CheckSums(path(), [&](int64_t done, int64_t total) {
    if (show_progress) bar.Update(done, total);
  });
  checked_ = true;
}

std::unique_ptr<Model> ModelFlags::Open(bool show_progress) const {
  CheckFiles(show_progress);
  ModelOptions options = Options();
  ProgressBar bar(dummy_ ? "making weights" : "loading");
  if (show_progress) options.progress = [&](int64_t done, int64_t total) { bar.Update(done, total); };
  return OpenModel(options);
}

fs::path DemoModel() {
  std::vector<fs::path> places;
  if (const char* demo = std::getenv("SPATE_DEMO"); demo != nullptr && *demo != '\0') places.emplace_back(demo);
  std::error_code error;
  if (const fs::path self = fs::read_symlink("/proc/self/exe", error); !error) {
    places.push_back(self.parent_path().parent_path() / "share" / "spate" / "demo");
  }
  places.emplace_back("models/demo");
  places.push_back(fs::path(SPATE_SOURCE_DIR) / "models" / "demo");
  std::vector<std::string> tried;
  for (const fs::path& place : places) {
    if (fs::exists(place / "config.json", error)) return place;
    tried.push_back(place.string());
  }
  throw Error(ErrorCode::kEnvironment, "no -m given and no demo model found in {}; give -m FOLDER or set SPATE_DEMO",
              fmt::join(tried, ", "));
}

std::optional<DType> ParseWeightFormat(const std::string& value) {
  return ParseFlag("--dtype", value, {DType::kF32, DType::kF16, DType::kBF16});
}

std::optional<DType> ParseKvFormat(const std::string& value) {
  return ParseFlag("--kv", value, {DType::kF32, DType::kBF16});
}

fs::path ModelPath(const std::string& given) { return given.empty() ? DemoModel() : ResolveModel(given); }

CLI::Validator TokenCount() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        const bool thousands = text.ends_with('k') || text.ends_with('K');
        const char* const end = text.data() + text.size() - (thousands ? 1 : 0);
        int64_t count = 0;
        const auto [next, error] = std::from_chars(text.data(), end, count);
        if (error != std::errc() || next != end || count < 0 || count > int64_t{1} << 40) {
          return fmt::format("expected a number of tokens such as 4096 or 8k, got {}", OneLine(text, 40));
        }
        text = std::to_string(thousands ? count * 1024 : count);
        return "";
      },
      "");
}

std::vector<int32_t> ParseIds(const std::string& text) {
  std::vector<int32_t> ids;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    while (at != end && (*at == ',' || *at == ' ' || *at == '\n' || *at == '\t')) ++at;
    if (at == end) return ids;
    int32_t id = 0;
    const auto [next, error] = std::from_chars(at, end, id);
    if (error != std::errc() || id < 0) {
      throw Error(ErrorCode::kUsage, "token ids: expected numbers from 0 with commas between, got \"{}\"",
                  std::string(at, std::min(end, at + 20)));
    }
    ids.push_back(id);
    at = next;
  }
}

}  // namespace spate
