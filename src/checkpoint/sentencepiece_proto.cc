#include "checkpoint/sentencepiece_proto.h"

#include "checkpoint/protobuf_reader.h"

namespace spate {
namespace {

constexpr size_t kMaxPieces = size_t{1} << 22;

SentencePieceProto::Piece ReadPiece(std::string_view bytes, std::string_view what, size_t index) {
  SentencePieceProto::Piece piece;
  ProtobufReader message(bytes, what);
  while (message.Next()) {
    if (message.field() == 1) piece.text = message.Bytes();
    if (message.field() == 2) piece.score = message.Float();
    if (message.field() == 3) {
      const int64_t type = message.Int();
      if (type < 1 || type > 6) throw Error(ErrorCode::kBadInput, "{}: piece {} has type {}", what, index, type);
      piece.type = static_cast<PieceType>(type);
    }
  }
  return piece;
}

void ReadTrainerSpec(std::string_view bytes, std::string_view what, SentencePieceProto* proto) {
  ProtobufReader message(bytes, what);
  while (message.Next()) {
    switch (message.field()) {
      case 3:
        proto->model_type = static_cast<SentencePieceProto::ModelType>(message.Int());
        break;
      case 24:
        proto->treat_whitespace_as_suffix = message.Bool();
        break;
      case 35:
        proto->byte_fallback = message.Bool();
        break;
      case 44:
        proto->unk_surface = message.Bytes();
        break;
      case 46:
        proto->bos_piece = message.Bytes();
        break;
      case 47:
        proto->eos_piece = message.Bytes();
        break;
      case 48:
        proto->pad_piece = message.Bytes();
        break;
      default:
        break;  // how it was trained
    }
  }
}

SentencePieceProto::NormalizerSpec ReadNormalizerSpec(std::string_view bytes, std::string_view what) {
  SentencePieceProto::NormalizerSpec spec;
  ProtobufReader message(bytes, what);
  while (message.Next()) {
    if (message.field() == 2) spec.charsmap = message.Bytes();
    if (message.field() == 3) spec.add_dummy_prefix = message.Bool();
    if (message.field() == 4) spec.remove_extra_whitespaces = message.Bool();
    if (message.field() == 5) spec.escape_whitespaces = message.Bool();
  }
  return spec;
}

}  // namespace

SentencePieceProto ReadSentencePieceProto(std::string_view bytes, std::string_view what) {
  SentencePieceProto proto;
  bool has_trainer = false;
  bool has_normalizer = false;
  ProtobufReader message(bytes, what);
  while (message.Next()) {
    switch (message.field()) {
      case 1:
        if (proto.pieces.size() == kMaxPieces) {
          throw Error(ErrorCode::kBadInput, "{}: more than {} pieces", what, kMaxPieces);
        }
        proto.pieces.push_back(ReadPiece(message.Bytes(), what, proto.pieces.size()));
        break;
      case 2:
        ReadTrainerSpec(message.Bytes(), what, &proto);
        has_trainer = true;
        break;
      case 3:
        proto.normalizer = ReadNormalizerSpec(message.Bytes(), what);
        has_normalizer = true;
        break;
      case 5:
        proto.denormalizer = ReadNormalizerSpec(message.Bytes(), what);
        break;
      default:
        break;
    }
  }
  // Both stand behind the pieces: a file that was cut between two fields is found out here.
  if (!has_trainer || !has_normalizer) {
    throw Error(ErrorCode::kBadInput, "{}: {} pieces, but no {}; is the file complete?", what, proto.pieces.size(),
                has_trainer ? "normalizer_spec" : "trainer_spec");
  }
  return proto;
}

}  // namespace spate
