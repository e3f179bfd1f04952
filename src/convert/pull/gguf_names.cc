#include "convert/pull/gguf_names.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/utf8.h"

namespace spate {
namespace {

constexpr std::string_view kPreferred = "Q4_K_M";
constexpr std::string_view kEnd = ".gguf";
constexpr size_t kMaxShown = 120;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

// A quantization's name, in capitals: Q4_0, IQ3_XXS, TQ1_0, MXFP4, F16, FP16, BF16, F32.
bool IsQuant(std::string_view word) {
  if (word == "F16" || word == "FP16" || word == "BF16" || word == "F32" || word == "FP32") return true;
  if (word.starts_with("MXFP4") || word.starts_with("NVFP4")) return true;
  if (word.starts_with("IQ") || word.starts_with("TQ")) word.remove_prefix(1);
  return word.size() >= 4 && word[0] == 'Q' && IsDigit(word[1]) && word[2] == '_';
}

struct Part {
  std::string model;  // the name without "-00001-of-00003.gguf"
  int number = 1, parts = 1;
};

std::optional<int> FiveDigits(std::string_view text) {
  int value = 0;
  if (text.size() != 5 || !std::all_of(text.begin(), text.end(), IsDigit)) return std::nullopt;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Part PartOf(std::string_view file) {
  std::string_view stem = file.substr(0, file.size() - kEnd.size());
  constexpr size_t kTail = 15;  // "-00001-of-00003"
  if (stem.size() > kTail) {
    const std::string_view tail = stem.substr(stem.size() - kTail);
    const auto number = FiveDigits(tail.substr(1, 5)), parts = FiveDigits(tail.substr(10));
    if (tail[0] == '-' && tail.substr(6, 4) == "-of-" && number && parts && *number >= 1 && *number <= *parts) {
      return {std::string(stem.substr(0, stem.size() - kTail)), *number, *parts};
    }
  }
  return {std::string(stem), 1, 1};
}

// Files that go with a model, and are none.
bool IsCompanion(std::string_view file) {
  const std::string name = Upper(file.substr(file.rfind('/') + 1));
  return name.starts_with("MMPROJ") || name.find("-MMPROJ") != std::string::npos ||
         name.find("IMATRIX") != std::string::npos;
}

const GgufModel& Whole(const GgufModel& model, std::string_view what) {
  if (model.files.size() == model.parts) return model;
  throw Error(ErrorCode::kEnvironment, "{}: {}: {} of {} parts are there", what,
              OneLine(model.files.front(), kMaxShown), model.files.size(), model.parts);
}

std::string Known(const std::vector<GgufModel>& models) {
  std::vector<std::string> names;
  for (const GgufModel& model : models) {
    names.push_back(model.quant.empty() ? OneLine(model.files.front(), kMaxShown) : model.quant);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::string QuantOf(std::string_view file) {
  const std::string name = Upper(PartOf(file).model);
  std::string last;
  for (size_t at = 0; at < name.size();) {
    size_t end = at;
    while (end < name.size() && (IsAlphanumeric(name[end]) || name[end] == '_')) ++end;
    // The longest end of the word that is one: "LLAMA_Q4_K_M" holds Q4_K_M.
    for (size_t begin = at; begin < end; ++begin) {
      if (begin > at && name[begin - 1] != '_') continue;
      if (!IsQuant(std::string_view(name).substr(begin, end - begin))) continue;
      last = name.substr(begin, end - begin);
      break;
    }
    at = end + 1;
  }
  return last;
}

bool CarriesQuant(std::string_view file, std::string_view quant) {
  const std::string name = Upper(PartOf(file).model), wanted = Upper(quant);
  if (wanted.empty()) return false;
  for (size_t at = name.find(wanted); at != std::string::npos; at = name.find(wanted, at + 1)) {
    const size_t end = at + wanted.size();
    const bool begins = at == 0 || !IsAlphanumeric(name[at - 1]);
    const bool ends = end == name.size() || !(IsAlphanumeric(name[end]) || name[end] == '_');
    if (begins && ends) return true;
  }
  return false;
}

std::vector<GgufModel> GgufModelsAmong(const std::vector<std::string>& names) {
  struct Found {
    int parts = 1;
    std::map<int, std::string> files;
  };
  std::map<std::string, Found> found;
  for (const std::string& name : names) {
    if (!name.ends_with(kEnd) || IsCompanion(name)) continue;
    const Part part = PartOf(name);
    // Splits of one model into different counts are different copies.
    Found& model = found[part.parts == 1 ? name : fmt::format("{}-of-{}", part.model, part.parts)];
    model.parts = part.parts;
    model.files.emplace(part.number, name);
  }
  std::vector<GgufModel> models;
  for (auto& [unused, model] : found) {
    GgufModel& out = models.emplace_back();
    for (auto& [number, file] : model.files) out.files.push_back(std::move(file));
    out.quant = QuantOf(out.files.front());
    out.parts = static_cast<size_t>(model.parts);
  }
  return models;
}

const GgufModel& ChooseGguf(const std::vector<GgufModel>& models, std::string_view quant, std::string_view what) {
  if (models.empty()) throw Error(ErrorCode::kUsage, "{}: no GGUF files there; leave :{} out", what, quant);
  if (quant.empty() && models.size() == 1) return Whole(models.front(), what);
  const std::string wanted = Upper(quant.empty() ? kPreferred : quant);
  std::vector<const GgufModel*> carrying, exact;
  for (const GgufModel& model : models) {
    if (!CarriesQuant(model.files.front(), wanted)) continue;
    carrying.push_back(&model);
    if (model.quant == wanted) exact.push_back(&model);
  }
  if (exact.size() == 1) carrying = exact;  // the model's own name may carry another's: "F16-tuned-Q8_0.gguf"
  if (carrying.size() == 1) return Whole(*carrying.front(), what);
  if (carrying.size() > 1) {
    throw Error(ErrorCode::kUsage,
                "{}: {} models carry {} in their names, {} and {}; give more of the name after the :", what,
                carrying.size(), wanted, OneLine(carrying[0]->files.front(), kMaxShown),
                OneLine(carrying[1]->files.front(), kMaxShown));
  }
  throw Error(ErrorCode::kUsage, "{}: {}; there are {}", what,
              quant.empty() ? std::string("say which quantization, as in OWNER/NAME:Q4_K_M")
                            : fmt::format("no GGUF file of {}", OneLine(quant, kMaxShown)),
              Known(models));
}

}  // namespace spate
