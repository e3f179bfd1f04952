// A checkpoint that a test makes up.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace spate {

// Tensors in memory, all zeros, so that a test can leave one out or misshape it.
class FakeCheckpoint : public Checkpoint {
 public:
  void Add(const std::string& name, Shape shape, DType dtype = DType::kF32) {
    int64_t elements = 1;
    for (const int64_t d : shape) elements *= d;
    auto& storage = bytes_[name];
    storage.resize(static_cast<size_t>(elements * Traits(dtype).block_bytes));
    tensors_[name] = {.dtype = dtype, .shape = std::move(shape), .bytes = storage};
  }
  void AddFloats(const std::string& name, Shape shape, const std::vector<float>& values) {
    Add(name, std::move(shape));
    ASSERT_EQ(bytes_[name].size(), values.size() * sizeof(float));
    std::memcpy(bytes_[name].data(), values.data(), values.size() * sizeof(float));
  }
  void Remove(const std::string& name) { tensors_.erase(name); }

  const TensorView* Find(std::string_view name) const override {
    const auto it = tensors_.find(std::string(name));
    return it == tensors_.end() ? nullptr : &it->second;
  }
  std::vector<std::string_view> Names() const override {
    std::vector<std::string_view> names;
    for (const auto& [name, view] : tensors_) names.push_back(name);
    return names;
  }
  int64_t bytes() const override { return 1; }
  MatrixView Stream(const TensorView& tensor) const override { return AsMatrix(tensor); }
  void PlanStream(std::span<const std::span<const std::byte>> pieces, ReadMode /*mode*/) const override {
    plan_.assign(pieces.begin(), pieces.end());
  }
  void ThrowIfFailed() const override {}
  void Release(const TensorView&) const override {}

  // What was planned last.
  const std::vector<std::span<const std::byte>>& plan() const { return plan_; }

 private:
  mutable std::vector<std::span<const std::byte>> plan_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::vector<std::byte>> bytes_;
};

}  // namespace spate
