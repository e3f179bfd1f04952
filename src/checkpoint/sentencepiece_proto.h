// The messages of a SentencePiece model file, as plain data: field numbers end here. Strings are views into the file.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace spate {

enum class PieceType : int64_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

struct SentencePieceProto {
  struct Piece {
    std::string_view text;
    float score = 0;
    PieceType type = PieceType::kNormal;
  };
  struct NormalizerSpec {
    std::string_view charsmap;
    bool add_dummy_prefix = true;
    bool remove_extra_whitespaces = true;
    bool escape_whitespaces = true;
  };
  enum class ModelType : int64_t { kUnigram = 1, kBpe = 2, kWord = 3, kChar = 4 };

  std::vector<Piece> pieces;
  ModelType model_type = ModelType::kUnigram;
  bool treat_whitespace_as_suffix = false;
  bool byte_fallback = false;
  // Taken from a file that fills the list up to the rows of a matrix: unused pieces, which may be empty, stand for
  // nothing, and there need not be an unknown piece.
  bool padded = false;
  std::string_view unk_surface = " \u2047 ";
  std::string_view bos_piece = "<s>";
  std::string_view eos_piece = "</s>";
  std::string_view pad_piece = "<pad>";
  NormalizerSpec normalizer;
  NormalizerSpec denormalizer;
};

// `what` names the source in messages. Throws Error(kBadInput).
SentencePieceProto ReadSentencePieceProto(std::string_view bytes, std::string_view what);

}  // namespace spate
