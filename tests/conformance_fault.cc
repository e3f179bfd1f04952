#include "tests/conformance_fault.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace spate::conformance {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Tight copy of a matrix whose last element is one more, or in a block format far from what it was.
class OneMore {
 public:
  explicit OneMore(const MatrixView& view) : view_(view) {
    view_.row_bytes = RowBytes(view.dtype, view.cols);
    bytes_.resize(static_cast<size_t>(view.rows * view_.row_bytes));
    for (int64_t r = 0; r < view.rows; ++r)
      std::copy_n(view.Row(r), view_.row_bytes, bytes_.data() + r * view_.row_bytes);
    view_.data = bytes_.data();
    std::byte* last = bytes_.data() + bytes_.size() - static_cast<size_t>(Traits(view.dtype).block_bytes);
    if (Traits(view.dtype).block_elements > 1) {
      ChangeBlock(last);
    } else {
      AddOne(last);
    }
  }
  const MatrixView& view() const { return view_; }

 private:
  void AddOne(std::byte* element) const {
    float value = 0;
    Unpack(view_.dtype, element, &value, 1);
    value += 1;
    Pack(view_.dtype, &value, element, 1);
  }
  // Changes the one bit of a block that moves its last element furthest and keeps it finite.
  void ChangeBlock(std::byte* block) const {
    const DTypeTraits& traits = Traits(view_.dtype);
    std::vector<float> values(static_cast<size_t>(traits.block_elements));
    const auto last = [&] {
      Unpack(view_.dtype, block, values.data(), values.size());
      return values.back();
    };
    const float before = last();
    float furthest = 0;
    int change = 0;
    for (int bit = 0; bit < 8 * traits.block_bytes; ++bit) {
      Flip(block, bit);
      const float moved = std::abs(last() - before);
      if (std::isfinite(moved) && moved > furthest) {
        furthest = moved;
        change = bit;
      }
      Flip(block, bit);
    }
    Flip(block, change);
  }
  static void Flip(std::byte* block, int bit) { block[bit / 8] ^= std::byte{1} << (bit % 8); }

  MatrixView view_;
  std::vector<std::byte> bytes_;
};

float* Element(const Mat& mat, int row, int col) { return static_cast<float*>(mat.data) + row * mat.stride + col; }

// A copy that can be changed before an operation sees it.
struct MatCopy {
  explicit MatCopy(const Mat& source) : mat(source) {
    if (source.rows == 0) return;
    const float* first = Element(source, 0, 0);
    values.assign(first, first + (source.rows - 1) * source.stride + source.cols);
    mat.data = values.data();
  }
  std::vector<float> values;
  Mat mat;
};

void RotateLastRow(const Mat& mat) {
  float* row = Element(mat, mat.rows - 1, 0);
  std::rotate(row, row + 1, row + mat.cols);
}

class FaultyOps final : public Ops {
 public:
  FaultyOps(std::unique_ptr<Ops> inner, Fault fault) : inner_(std::move(inner)), fault_(fault) {}

  void Begin(const Batch& batch) override { inner_->Begin(Changed(batch)); }
  Mat Scratch(Buf id, int rows, int cols) override { return inner_->Scratch(id, rows, cols); }

  void Embed(const Table& table, float scale, const Batch& batch, Mat out) override {
    std::vector<int32_t> ids(batch.ids, batch.ids + batch.tokens);
    if (fault_ == Fault::kPosition) ids.back() += ids.back() > 0 ? -1 : 1;
    Batch changed = batch;
    changed.ids = ids.data();
    WithTail(out, [&] { inner_->Embed(table, scale, changed, out); });
  }

  void AddNorm(const Vec& w, const NormSpec& spec, const Mat* delta, Mat x, Mat out) override {
    if (fault_ == Fault::kPosition) RotateLastRow(x);
    WithTail(out, [&] { inner_->AddNorm(w, spec, delta, x, out); });
  }

  void Apply(const Linear& w, Mat x, Mat out, const Epilogue& epilogue) override {
    const MatCopy copy(x);
    if (fault_ == Fault::kPosition) RotateLastRow(copy.mat);
    WithTail(out, [&] { inner_->Apply(w, copy.mat, out, epilogue); });
  }

  void AddPositions(const Table& table, int offset, const Batch& batch, Mat x) override {
    std::vector<int32_t> positions(batch.positions, batch.positions + batch.tokens);
    if (fault_ == Fault::kPosition) positions.back() += positions.back() > 0 ? -1 : 1;
    Batch changed = batch;
    changed.positions = positions.data();
    WithTail(x, [&] { inner_->AddPositions(table, offset, changed, x); });
  }

  void Experts(const FfnSpec& spec, const Linear& router, const Linear& gate_up, const Linear& down, Mat x, Mat out,
               const Epilogue& epilogue) override {
    const MatCopy copy(x);
    if (fault_ == Fault::kPosition) RotateLastRow(copy.mat);
    WithTail(out, [&] { inner_->Experts(spec, router, gate_up, down, copy.mat, out, epilogue); });
  }

  void AddGated(const Linear& gate, Mat x, Mat delta, float scale, Mat out) override {
    const MatCopy copy(x);
    if (fault_ == Fault::kPosition) RotateLastRow(copy.mat);
    WithTail(out, [&] { inner_->AddGated(gate, copy.mat, delta, scale, out); });
  }

  void Add(Mat delta, Mat x) override {
    const MatCopy copy(delta);
    if (fault_ == Fault::kWeight) *Element(copy.mat, delta.rows - 1, delta.cols - 1) += 1;
    if (fault_ == Fault::kPosition) RotateLastRow(copy.mat);
    WithTail(x, [&] { inner_->Add(copy.mat, x); });
  }

  void Softcap(float cap, Mat logits) override {
    if (fault_ == Fault::kWeight) *Element(logits, logits.rows - 1, logits.cols - 1) += 1;
    if (fault_ == Fault::kPosition) RotateLastRow(logits);
    WithTail(logits, [&] { inner_->Softcap(cap, logits); });
  }

  void Attend(const AttnSpec& spec, const QkNormWeights& norms, int layer, const Batch& batch, Mat qkv,
              Mat out) override {
    const MatCopy copy(qkv);
    if (fault_ == Fault::kWeight) *Element(copy.mat, qkv.rows - 1, qkv.cols - 1) += 1;
    WithTail(out, [&] { inner_->Attend(spec, norms, layer, Changed(batch), copy.mat, out); });
  }

  void GatherRows(const Batch& batch, Mat x, Mat out) override {
    const MatCopy copy(x);
    std::vector<int32_t> rows(batch.output_rows, batch.output_rows + batch.outputs);
    if (fault_ == Fault::kWeight) *Element(copy.mat, rows.back(), x.cols - 1) += 1;
    if (fault_ == Fault::kPosition) rows.back() += rows.back() > 0 ? -1 : 1;
    Batch changed = batch;
    changed.output_rows = rows.data();
    WithTail(out, [&] { inner_->GatherRows(changed, copy.mat, out); });
  }

  void Sample(const Batch& batch, Mat logits, std::span<SampleResult> results) override {
    const MatCopy copy(logits);
    if (fault_ == Fault::kWeight) {
      // The logit that decides the last row.
      inner_->Sample(batch, copy.mat, results);
      float& chosen = *Element(copy.mat, logits.rows - 1, results.back().token);
      if (chosen > -kInfinity) {
        chosen = -kInfinity;
      } else {
        *Element(copy.mat, logits.rows - 1, logits.cols / 2) = 0;
      }
    }
    std::vector<SampleArgs> args(batch.sample, batch.sample + batch.outputs);
    if (fault_ == Fault::kPosition) {
      for (SampleArgs& row : args) ++row.position;
    }
    Batch changed = batch;
    changed.sample = args.data();
    const SampleResult before = results.back();
    inner_->Sample(changed, copy.mat, results);
    if (fault_ == Fault::kTail) results.back() = before;
  }

  void Download(const Mat& mat, std::span<float> out) override { inner_->Download(mat, out); }
  void SetSlot(const SlotStart& start) override { inner_->SetSlot(start); }

 private:
  // The last token is written beside its place, or is taken for one position earlier.
  Batch Changed(const Batch& batch) {
    Batch changed = batch;
    if (fault_ == Fault::kPosition) {
      slots_.clear();
      views_.assign(batch.kv.begin(), batch.kv.end());
      for (KvView& view : views_) {
        slots_.emplace_back(view.write_slot, view.write_slot + batch.tokens);
        // Its neighbour; if another token of the batch is written there, the two change places: never two to one slot.
        std::vector<int32_t>& slots = slots_.back();
        const auto taken = std::find(slots.begin(), slots.end(), slots.back() ^ 1);
        if (taken != slots.end()) *taken = slots.back();
        slots.back() ^= 1;
        view.write_slot = slots_.back().data();
      }
      changed.kv = views_;
    }
    if (fault_ == Fault::kAngle) {
      positions_.assign(batch.positions, batch.positions + batch.tokens);
      if (positions_.back() > 0) --positions_.back();  // not later: a backend may mask by it, inside the context
      changed.positions = positions_.data();
    }
    return changed;
  }

  template <typename Run>
  void WithTail(const Mat& out, Run run) {
    float* last = Element(out, out.rows - 1, out.cols - 1);
    const float before = *last;
    run();
    if (fault_ == Fault::kTail) *last = before;
  }

  std::unique_ptr<Ops> inner_;
  Fault fault_;
  std::vector<std::vector<int32_t>> slots_;
  std::vector<KvView> views_;
  std::vector<int32_t> positions_;
};

}  // namespace

std::unique_ptr<Linear> FaultyDevice::PackLinear(const LinearSource& source, const LinearSpec& spec) {
  if (fault_ != Fault::kWeight) return inner_.PackLinear(source, spec);
  std::vector<MatrixView> parts(source.parts.begin(), source.parts.end());
  const OneMore changed(parts.back());
  parts.back() = changed.view();
  return inner_.PackLinear({parts, source.bias}, spec);
}

std::unique_ptr<Vec> FaultyDevice::PackVec(const VecSource& source) {
  VecSource other = source;
  const bool changes = fault_ == Fault::kWeight || fault_ == Fault::kNorm;
  if (changes && source.weight.rows == 0) other.offset += 1;
  if (!changes || source.weight.rows == 0) return inner_.PackVec(other);
  const OneMore changed(source.weight);
  other.weight = changed.view();
  return inner_.PackVec(other);
}

std::unique_ptr<Table> FaultyDevice::PackTable(const MatrixView& source, DType format) {
  return inner_.PackTable(fault_ == Fault::kWeight ? OneMore(source).view() : source, format);
}

std::unique_ptr<Ops> FaultyDevice::MakeOps(const OpsConfig& config) {
  return std::make_unique<FaultyOps>(inner_.MakeOps(config), fault_);
}

}  // namespace spate::conformance
