// Arguments of a call bound to the parameters of a built-in function, as Python binds them.
#pragma once

#include <initializer_list>
#include <string_view>

#include "tokenizer/jinja/value.h"

namespace spate::jinja {

class Parameters {
 public:
  // The first `required` names must be given; the first `positional` cannot be given by name. What is not given is
  // missing. Throws Failure: "replace() got an unexpected keyword argument 'x'".
  Parameters(const Arguments& arguments, std::string_view function, std::initializer_list<std::string_view> names,
             size_t required, size_t positional = 0);

  bool Has(size_t i) const { return !values_[i].IsMissing(); }
  const Value& operator[](size_t i) const { return values_[i]; }
  int64_t Integer(size_t i, int64_t otherwise) const;  // an int; `otherwise` when it is missing
  bool Truth(size_t i, bool otherwise) const;
  std::string_view Text(size_t i, std::string_view otherwise) const;  // a str

 private:
  std::string_view function_;
  std::vector<Value> values_;
};

// For a function without parameters; throws Failure as Parameters does.
void RefuseArguments(const Arguments& arguments, std::string_view function);

}  // namespace spate::jinja
