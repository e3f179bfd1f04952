// UnreadCheckpoint: another checkpoint whose tensors are looked at but not read: nothing is fetched from the disk ahead
// of time. Lives no longer than the other.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace spate {

class UnreadCheckpoint final : public Checkpoint {
 public:
  explicit UnreadCheckpoint(const Checkpoint& inner) : inner_(inner) {}

  const TensorView* Find(std::string_view name) const override { return inner_.Find(name); }
  std::vector<std::string_view> Names() const override { return inner_.Names(); }
  int64_t bytes() const override { return inner_.bytes(); }
  MatrixView Stream(const TensorView& tensor) const override { return inner_.Stream(tensor); }
  void PlanStream(std::span<const std::span<const std::byte>> /*pieces*/, ReadMode /*mode*/) const override {}
  void ThrowIfFailed() const override { inner_.ThrowIfFailed(); }
  void Release(const TensorView& /*tensor*/) const override {}

 private:
  const Checkpoint& inner_;
};

}  // namespace spate
