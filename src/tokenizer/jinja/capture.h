// Text that a block of a template writes, instead of the template's output. Part of the interpreter.
#pragma once

#include <string>
#include <utility>

#include "tokenizer/jinja/interpreter.h"

namespace spate::jinja {

class Interpreter::Capture {
 public:
  explicit Capture(Interpreter& interpreter) : interpreter_(interpreter), outer_(interpreter.out_) {
    interpreter.out_ = &text_;
  }
  ~Capture() { Close(); }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  std::string Take() {
    Close();
    return std::move(text_);
  }

 private:
  void Close() {
    if (std::exchange(open_, false)) {
      interpreter_.out_ = outer_;
      interpreter_.heap_.Refund(text_.size());
    }
  }

  Interpreter& interpreter_;
  std::string* outer_;
  std::string text_;
  bool open_ = true;
};

}  // namespace spate::jinja
