#include "convert/gguf/convert.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/topology.h"
#include "checkpoint/chat_template_file.h"
#include "checkpoint/gguf_types.h"
#include "checkpoint/read_tokenizer.h"
#include "convert/gguf/gguf_families.h"
#include "convert/gguf/gguf_hyper_export.h"
#include "convert/gguf/gguf_tokenizer_export.h"
#include "convert/gguf/output_path.h"
#include "convert/gguf/same_model.h"
#include "model/arch.h"
#include "model/find_weights.h"
#include "model/loader.h"
#include "model/model_files.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

// general.file_type, as the format numbers what most of a file's tensors are.
uint32_t FileType(DType type) {
  switch (type) {
    case DType::kF32:
      return 0;
    case DType::kF16:
      return 1;
    case DType::kQ4_0:
      return 2;
    case DType::kQ8_0:
      return 7;
    case DType::kBF16:
      return 32;
    default:
      throw Error(ErrorCode::kUsage, "type: expected f32, f16, bf16, q8_0 or q4_0, got {}", Name(type));
  }
}

DType TypeFor(const FoundModel& found) {
  const DType stored = found.Get(Slot::kEmbed, -1).weights.front().dtype;
  const bool possible = std::ranges::find(kConvertTypes, stored) != std::end(kConvertTypes);
  return possible ? stored : DType::kF16;
}

// The folder's or file's name, without what says that it is one.
std::string NameOf(const fs::path& model) {
  fs::path path = fs::absolute(model).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  std::error_code ignored;
  return (fs::is_directory(path, ignored) ? path.filename() : path.stem()).string();
}

void AddChatTemplate(const fs::path& model, GgufHeader* header) {
  const auto usual = FindChatTemplate(model, false);
  if (!usual) return;
  header->String("tokenizer.chat_template", usual->source);
  const auto with_tools = FindChatTemplate(model, true);
  if (with_tools->source == usual->source) return;
  const std::string names[] = {"tool_use"};
  header->Strings("tokenizer.chat_templates", names);
  header->String("tokenizer.chat_template.tool_use", with_tools->source);
}

void AddTokenizerOf(const fs::path& model, const ModelSpec& spec, GgufHeader* header, std::vector<std::string>* notes) {
  if (!HasTokenizer(model)) {
    throw Error(ErrorCode::kBadInput, "{}: no tokenizer; --no-tokenizer converts the weights alone", model.string());
  }
  Vocabulary vocabulary = ReadTokenizer(model);
  for (const int32_t id : spec.eos_ids) {
    const bool known = std::ranges::find(vocabulary.eos, id) != vocabulary.eos.end();
    if (!known && id >= 0 && id < spec.vocab) vocabulary.eos.push_back(id);
  }
  AddTokenizer(vocabulary, spec.vocab, model.string() + ": tokenizer", header, notes);
  AddChatTemplate(model, header);
}

// What was written is read as it would be by whoever opens it; before the weights take their time.
void CheckReadsBack(const std::string& path, const ModelSpec& spec, bool tokenizer, const std::string& model) {
  std::string problem;
  try {
    const ModelFiles files = OpenModelFiles(path);
    const ModelSpec read = MakeSpec(files.config);
    CheckWeights(*files.checkpoint, ArchOf(files.config), files.dialect, read);
    problem = DifferenceOf(spec, read);
    if (!problem.empty()) problem = "it would be read back with " + problem;
    if (tokenizer) ReadTokenizer(path);
  } catch (const Error& error) {
    problem = error.what();
  }
  if (problem.empty()) return;
  throw Error(ErrorCode::kBadInput, "{}: GGUF cannot express this {}: {}", model, spec.architecture, problem);
}

// One conversion: what is read, and what is made of it.
class Conversion {
 public:
  Conversion(const fs::path& model, const GgufFamily& family, const ModelFiles& files, const ModelSpec& spec,
             const ConvertOptions& options)
      : model_(model),
        family_(family),
        files_(files),
        spec_(spec),
        options_(options),
        found_(*files.checkpoint, ArchOf(files.config), files.dialect, spec),
        type_(options.type.value_or(TypeFor(found_))),
        layout_(found_, spec, family, type_) {
    AddKeys();
    for (const GgufPart& part : layout_.parts()) header_.AddTensor(part.name, part.shape, part.dtype);
  }

  ConvertReport Write(const fs::path& output) {
    const std::string head = header_.Bytes();
    const auto start = static_cast<int64_t>(head.size());
    const int64_t bytes = start + header_.data_bytes();
    OutputFile file(output, bytes);
    WriteHead(head, &file);
    CheckReadsBack(file.path(), spec_, options_.tokenizer, model_.string());
    WriteParts(start, &file);
    file.Commit();
    ConvertReport report{.architecture = std::string(family_.gguf),
                         .type = type_,
                         .tensors = static_cast<int64_t>(header_.tensors().size()),
                         .file_bytes = bytes,
                         .source_bytes = files_.checkpoint->bytes(),
                         .formats = {},
                         .notes = notes_};
    for (const GgufHeader::Tensor& tensor : header_.tensors()) {
      report.formats[std::string(FindGgufTensorType(tensor.dtype)->name)] += tensor.bytes;
    }
    return report;
  }

 private:
  void AddKeys() {
    header_.String("general.architecture", family_.gguf);
    header_.String("general.type", "model");
    header_.String("general.name", NameOf(model_));
    header_.U32("general.file_type", FileType(type_));
    header_.U32("general.quantization_version", 2);
    for (GgufValues& tensor : AddHyperParameters(family_, files_.config, spec_, &header_)) {
      layout_.AddValues(std::move(tensor.name), std::move(tensor.values));
    }
    NoteWindow();
    if (options_.tokenizer) {
      AddTokenizerOf(model_, spec_, &header_, &notes_);
    } else {
      header_.String("tokenizer.ggml.model", "none");
    }
  }

  void NoteWindow() {
    int window = 0;
    for (const LayerSpec& layer : spec_.layers) window = std::max(window, layer.attn.window);
    if (window == 0 || family_.windows) return;
    notes_.push_back(
        fmt::format("not every program that reads GGUF keeps to this model's sliding window of {} tokens", window));
  }

  // All but the weights: what else decides what is computed.
  void WriteHead(const std::string& head, OutputFile* file) const {
    const auto write = [&](int64_t offset, std::span<const std::byte> bytes) {
      const int error = file->WriteAt(offset, bytes);
      if (error != 0) throw Error(ErrorCode::kEnvironment, "{}: cannot write: {}", file->path(), std::strerror(error));
    };
    write(0, std::as_bytes(std::span(head)));
    for (size_t i = 0; i < layout_.parts().size(); ++i) {
      const int64_t offset = static_cast<int64_t>(head.size()) + header_.tensors()[i].offset;
      write(offset, std::as_bytes(std::span(layout_.parts()[i].values)));
    }
  }

  void WriteParts(int64_t start, OutputFile* file) const {
    const int threads = options_.threads > 0 ? options_.threads : DetectTopology().threads;
    PartWriter writer(*file, threads, header_.data_bytes(), options_.progress);
    for (size_t i = 0; i < layout_.parts().size(); ++i) {
      const GgufPart& part = layout_.parts()[i];
      const int64_t offset = start + header_.tensors()[i].offset;
      if (part.kind == GgufPart::Kind::kMatrix) {
        const FoundSlot& found = found_.Get(part.slot, part.layer);
        writer.WriteRows(part, found.weights, layout_.RowsOf(part), offset);
        files_.checkpoint->ThrowIfFailed();
        for (const TensorView* tensor : found.tensors) files_.checkpoint->Release(*tensor);
      } else if (part.kind != GgufPart::Kind::kValues) {
        writer.WriteValues(part, VectorOf(part), offset);
      }
    }
  }

  std::vector<float> VectorOf(const GgufPart& part) const {
    const FoundSlot& found = found_.Get(part.slot, part.layer);
    const bool weight = part.kind == GgufPart::Kind::kNorm;
    std::vector<float> values = ValuesOf(weight ? found.weights : found.biases);
    files_.checkpoint->ThrowIfFailed();
    if (part.kind == GgufPart::Kind::kBias) {
      std::vector<float> ordered;
      for (const int64_t row : layout_.RowsOf(part)) ordered.push_back(values[static_cast<size_t>(row)]);
      return ordered;
    }
    if (!weight) return values;
    const bool wanted = ArchOf(family_).dialect.norms_hold_one, there = files_.dialect.norms_hold_offset;
    const float offset = wanted == there ? 0 : wanted ? spec_.norm_offset : -spec_.norm_offset;
    for (float& value : values) value += offset;
    return values;
  }

  const fs::path& model_;
  const GgufFamily& family_;
  const ModelFiles& files_;
  const ModelSpec& spec_;
  const ConvertOptions& options_;
  FoundModel found_;
  DType type_;
  GgufLayout layout_;
  GgufHeader header_;
  std::vector<std::string> notes_;
};

}  // namespace

ConvertReport ConvertToGguf(const fs::path& model, const fs::path& output, const ConvertOptions& options) {
  CheckOutput(output, model, options.replace);
  const ModelFiles files = OpenModelFiles(model);
  const ModelSpec spec = MakeSpec(files.config);
  const GgufFamily* family = FindGgufFamily(spec.architecture);
  if (family == nullptr) {
    throw Error(ErrorCode::kBadInput, "{}: {} cannot be converted; what can: {}", model.string(), spec.architecture,
                KnownGgufFamilies());
  }
  return Conversion(model, *family, files, spec, options).Write(output);
}

}  // namespace spate
