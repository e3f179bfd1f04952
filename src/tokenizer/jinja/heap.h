// Heap: everything that one rendering creates, and what it may use of memory and time. Strings are counted by
// references and freed with their last user, because templates put prompts together piece by piece; all other objects
// live until the rendering ends, so that no cycle and no depth of nesting needs care. One rendering, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/jinja/failure.h"
#include "tokenizer/jinja/limits.h"

namespace spate::jinja {

class Heap;

// The bytes of a string. Those of the template itself belong to no heap: threads share them, nobody counts.
struct Text {
  std::string bytes;
  bool ascii = true;
  int64_t references = 0;
  Heap* heap = nullptr;
};

struct Object {
  virtual ~Object() = default;
};

class Heap {
 public:
  Heap() = default;
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  // Work worth so many steps is about to be done. Throws Failure when the template had its share.
  void Step(int64_t steps = 1) {
    steps_ -= steps;
    if (steps_ < 0) throw Failure("the template runs too long: more than {} steps", kMaxSteps);
  }
  void StepBytes(size_t bytes) { Step(1 + static_cast<int64_t>(bytes / 128)); }  // bytes that are copied or searched

  // Throws Failure when so many bytes more would be too many; Charge also counts them.
  void Check(size_t bytes) const {
    if (bytes > kMaxBytes - bytes_) throw Failure("the template needs more than {} MiB of memory", kMaxBytes >> 20);
  }
  // The same for count * size, which may overflow.
  void Check(size_t count, size_t size) const {
    Check(size != 0 && count > kMaxBytes / size ? kMaxBytes + 1 : count * size);
  }
  void Charge(size_t bytes) {
    Check(bytes);
    bytes_ += bytes;
  }
  void Refund(size_t bytes) { bytes_ -= bytes; }

  // Writes to a result that is not counted yet; its size alone is held under the limit.
  void Append(std::string& out, std::string_view text) {
    Check(out.size() + text.size());
    StepBytes(text.size());
    out += text;
  }

  Text* NewText(std::string bytes);
  void Free(Text* text);

  template <typename T, typename... Args>
  T* New(Args&&... args) {
    Charge(sizeof(T) + 2 * sizeof(void*));
    auto object = std::make_unique<T>(std::forward<Args>(args)...);
    T* result = object.get();
    objects_.push_back(std::move(object));
    return result;
  }

 private:
  size_t bytes_ = 0;
  int64_t steps_ = kMaxSteps;
  std::vector<std::unique_ptr<Object>> objects_;
};

}  // namespace spate::jinja
