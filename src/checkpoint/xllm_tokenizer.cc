#include "checkpoint/xllm_tokenizer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"
#include "checkpoint/byte_cursor.h"
#include "checkpoint/sentencepiece_model.h"

namespace spate {
namespace {

constexpr size_t kBytes = 256;
constexpr size_t kRecordBytes = 8;  // of a piece without text

struct Record {
  std::string_view text;
  float score = 0;
};

// The pieces behind a header of so many numbers; nullopt if they do not end with the file.
std::optional<std::vector<Record>> ReadRecords(std::span<const std::byte> bytes, std::string_view what,
                                               size_t header_numbers) {
  const size_t header = header_numbers * sizeof(uint32_t);
  if (bytes.size() < header) return std::nullopt;
  ByteCursor cursor(bytes, what);
  const auto count = cursor.Take<uint32_t>();
  cursor.TakeBytes(header - sizeof(uint32_t));
  if (count > cursor.left() / kRecordBytes) return std::nullopt;
  std::vector<Record> records;
  while (records.size() < count) {
    if (cursor.left() < kRecordBytes) return std::nullopt;
    Record record;
    record.score = cursor.Take<float>();
    const auto length = cursor.Take<uint32_t>();
    if (length > cursor.left()) return std::nullopt;
    record.text = cursor.TakeText(length);
    records.push_back(record);
  }
  if (cursor.left() != 0) return std::nullopt;
  return records;
}

std::vector<Record> ReadAnyHeader(std::span<const std::byte> bytes, std::string_view what) {
  for (const size_t numbers : std::array<size_t, 3>{3, 1, 2}) {
    if (auto records = ReadRecords(bytes, what, numbers)) return *std::move(records);
  }
  throw Error(ErrorCode::kBadInput,
              "{}: not a tokenizer file of xLLM: its pieces do not end with the file (truncated download?)", what);
}

// The first of 256 pieces that stand for the bytes, in order.
size_t FindBytes(const std::vector<Record>& records, std::string_view what) {
  const auto is_byte = [&](size_t id, size_t byte) {
    std::string text;
    AppendUtf8(text, static_cast<char32_t>(byte));
    return records[id].text == text;
  };
  for (size_t first = 0; first + kBytes <= records.size(); ++first) {
    size_t byte = 0;
    while (byte < kBytes && is_byte(first + byte, byte)) ++byte;
    if (byte == kBytes) return first;
  }
  throw Error(ErrorCode::kBadInput, "{}: no pieces for the 256 bytes, which Llama 2 has", what);
}

std::string WithEscapedSpaces(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += c == ' ' ? std::string_view("\u2581") : std::string_view(&c, 1);
  return escaped;
}

}  // namespace

Vocabulary ParseXllmTokenizer(std::string_view bytes, std::string_view what) {
  const std::vector<Record> records = ReadAnyHeader(std::as_bytes(std::span(bytes)), what);
  const size_t first_byte = FindBytes(records, what);

  std::vector<std::string> texts;  // what the pieces of `proto` point to
  SentencePieceProto proto;
  for (size_t id = 0; id < records.size(); ++id) {
    const std::string_view shown = records[id].text;
    PieceType type = PieceType::kNormal;
    std::string text;
    if (id >= first_byte && id < first_byte + kBytes) {
      type = PieceType::kByte;
      text = fmt::format("<0x{:02X}>", id - first_byte);
    } else if (shown == "\n<s>\n" || shown == "\n</s>\n") {
      type = PieceType::kControl;
      text = shown.substr(1, shown.size() - 2);
    } else if (shown == "<unk>") {
      type = PieceType::kUnknown;
      text = shown;
    } else {
      text = WithEscapedSpaces(shown);
    }
    texts.push_back(std::move(text));
    proto.pieces.push_back({.text = {}, .score = records[id].score, .type = type});
  }
  for (size_t id = 0; id < texts.size(); ++id) proto.pieces[id].text = texts[id];
  proto.model_type = SentencePieceProto::ModelType::kBpe;
  proto.byte_fallback = true;
  proto.normalizer.remove_extra_whitespaces = false;
  return MakeSentencePieceVocabulary(proto, what);
}

}  // namespace spate
