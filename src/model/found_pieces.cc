// What packing reads of the files, in its order.
#include <algorithm>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "model/find_weights.h"

namespace spate {
namespace {

using Pieces = std::vector<std::span<const std::byte>>;

// Adds rows [begin, end) of a part that a file holds.
void AddRows(const MatrixView& part, int64_t begin, int64_t end, Pieces& pieces) {
  if (begin >= end || part.maker != nullptr) return;
  const int64_t bytes = (end - begin - 1) * part.row_bytes + RowBytes(part.dtype, part.cols);
  pieces.emplace_back(part.Row(begin), static_cast<size_t>(bytes));
}

// Rows of the parts one behind the other, or side by side.
void AddStack(std::span<const MatrixView> parts, bool gated, Pieces& pieces) {
  int64_t rows = 0;  // to walk over: of all parts, or of each
  for (const MatrixView& part : parts) rows = gated ? part.rows : rows + part.rows;
  const int64_t step = RowsPerRead(parts[0].row_bytes);
  for (int64_t row = 0; row < rows; row += step) {
    int64_t before = 0;  // rows of the parts in front
    for (const MatrixView& part : parts) {
      AddRows(part, std::clamp<int64_t>(row - before, 0, part.rows),
              std::clamp<int64_t>(row + step - before, 0, part.rows), pieces);
      if (!gated) before += part.rows;
    }
  }
}

// Adds what packing reads: row by row of the stacked parts, or of gate and up side by side; then the biases.
void AddPieces(const FoundSlot& found, bool gated, Pieces& pieces) {
  const std::span<const MatrixView> parts = found.weights;
  const size_t together = gated ? 2 : parts.size();  // of an expert; what is not gated is one stack
  for (size_t p = 0; p + together <= parts.size() && together > 0; p += together) {
    AddStack(parts.subspan(p, together), gated, pieces);
  }
  for (const MatrixView& bias : found.biases) AddRows(bias, 0, 1, pieces);
}

}  // namespace

std::vector<std::span<const std::byte>> FoundModel::Pieces() const {
  std::vector<std::span<const std::byte>> pieces;
  for (const auto& [layer, slot] : order_) {
    const LayerSpec none;
    const LayerSpec& layer_spec = layer < 0 ? none : spec_.layers[static_cast<size_t>(layer)];
    AddPieces(Get(slot, layer), IsGated(slot, layer_spec), pieces);
  }
  std::set<const void*> own;  // vectors that no file holds
  for (const std::vector<float>& values : values_) own.insert(values.data());
  std::erase_if(pieces, [&](std::span<const std::byte> piece) { return own.contains(piece.data()); });
  return pieces;
}

}  // namespace spate
