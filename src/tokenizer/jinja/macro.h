// What the interpreter keeps at run time beside values: scopes and macros.
#pragma once

#include <vector>

#include "tokenizer/jinja/ast.h"

namespace spate::jinja {

// The variables of one scope while it is entered.
struct Frame : Object {
  Frame* parent = nullptr;
  std::vector<Value> slots;

  Value& At(Variable variable) {
    Frame* frame = this;
    for (uint32_t i = 0; i < variable.hops; ++i) frame = frame->parent;
    return frame->slots[variable.slot];
  }
};

// A macro, or the body of a call block (which has no name), with the scope in which it was defined.
struct Macro : Object {
  Macro(const Stmt* definition, Frame* scope) : node(definition), outer(scope) {}
  const Stmt* node;
  Frame* outer;
};

}  // namespace spate::jinja
