#include "convert/pull/hub_files.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "convert/pull/gguf_names.h"

namespace spate {
namespace {

constexpr std::string_view kAboutModel[] = {"config.json",
                                            "generation_config.json",
                                            "tokenizer.json",
                                            "tokenizer_config.json",
                                            "tokenizer.model",
                                            "special_tokens_map.json",
                                            "added_tokens.json",
                                            "vocab.json",
                                            "merges.txt",
                                            "chat_template.jinja",
                                            "chat_template.json",
                                            "quantize_config.json",
                                            "quant_config.json",
                                            "params.json",
                                            "mlc-chat-config.json",
                                            "ndarray-cache.json",
                                            "tensor-cache.json",
                                            "model.safetensors.index.json",
                                            "pytorch_model.bin.index.json"};

bool IsShard(std::string_view name) { return name.find("-of-") != std::string_view::npos; }

bool Has(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The safetensors files that a loader reads; not the same weights under Meta's names, and no adapters.
std::vector<std::string_view> Safetensors(const std::vector<std::string_view>& root) {
  std::vector<std::string_view> found;
  for (const std::string_view name : root) {
    if (name.ends_with(".safetensors") && !name.starts_with("consolidated") && !name.starts_with("adapter_")) {
      found.push_back(name);
    }
  }
  const bool shards = Has(root, "model.safetensors.index.json") && std::any_of(found.begin(), found.end(), IsShard);
  if (shards) std::erase_if(found, [](std::string_view name) { return !IsShard(name); });
  if (!shards && Has(found, "model.safetensors")) found = {"model.safetensors"};
  return found;
}

std::vector<std::string_view> Named(const std::vector<std::string_view>& root, std::string_view begin,
                                    std::string_view end) {
  std::vector<std::string_view> found;
  for (const std::string_view name : root) {
    if (name.starts_with(begin) && name.ends_with(end)) found.push_back(name);
  }
  return found;
}

// The weights in the first format that there is, none from a folder below: those hold other copies.
std::vector<std::string_view> Weights(const std::vector<std::string_view>& root) {
  if (Has(root, "config.json")) {
    if (auto found = Safetensors(root); !found.empty()) return found;
    auto found = Named(root, "pytorch_model", ".bin");
    if (Has(found, "pytorch_model.bin") && !Has(root, "pytorch_model.bin.index.json")) found = {"pytorch_model.bin"};
    if (!found.empty()) return found;
  }
  if (Has(root, "mlc-chat-config.json")) {
    if (auto found = Named(root, "params_shard_", ".bin"); !found.empty()) return found;
  }
  if (Has(root, "params.json")) return Named(root, "consolidated.", ".pth");
  return {};
}

bool IsAboutModel(std::string_view name) {
  return name.ends_with(".tiktoken") ||
         std::find(std::begin(kAboutModel), std::end(kAboutModel), name) != std::end(kAboutModel);
}

// Of formats that were not chosen, which would name files that are not there.
bool IsIndexOfOthers(std::string_view name, std::string_view first_weights) {
  return (name == "model.safetensors.index.json" && !first_weights.ends_with(".safetensors")) ||
         (name == "pytorch_model.bin.index.json" && !first_weights.ends_with(".bin"));
}

}  // namespace

bool IsModelFile(std::string_view name) {
  const auto is = [&](std::string_view begin, std::string_view end) {
    return name.starts_with(begin) && name.ends_with(end);
  };
  return IsAboutModel(name) || name == "model.safetensors" || name == "pytorch_model.bin" ||
         (is("model-", ".safetensors") && IsShard(name)) || (is("pytorch_model-", ".bin") && IsShard(name)) ||
         is("params_shard_", ".bin") || is("consolidated.", ".pth");
}

std::vector<HubFile> SelectFiles(const HubListing& listing, std::string_view quant, std::string_view what) {
  std::vector<std::string_view> root;
  std::vector<std::string> all;
  for (const HubFile& file : listing.files) {
    all.push_back(file.name);
    if (file.name.find('/') == std::string::npos) root.push_back(file.name);
  }
  std::vector<std::string_view> chosen;
  if (quant.empty()) chosen = Weights(root);
  if (!chosen.empty()) {
    const std::string_view first = chosen.front();
    for (const std::string_view name : root) {
      if (IsAboutModel(name) && !IsIndexOfOthers(name, first)) chosen.push_back(name);
    }
  }
  const std::vector<GgufModel> models = chosen.empty() ? GgufModelsAmong(all) : std::vector<GgufModel>{};
  if (chosen.empty()) {
    if (models.empty() && quant.empty()) {
      throw Error(ErrorCode::kBadInput,
                  "{}: {} files, and among them no model: expected *.safetensors or pytorch_model*.bin with a "
                  "config.json, *.gguf, consolidated.*.pth with a params.json, or MLC's shards",
                  what, listing.files.size());
    }
    for (const std::string& file : ChooseGguf(models, quant, what).files) chosen.push_back(file);
  }
  std::vector<HubFile> files;
  for (const HubFile& file : listing.files) {
    if (Has(chosen, file.name)) files.push_back(file);
  }
  return files;
}

}  // namespace spate
