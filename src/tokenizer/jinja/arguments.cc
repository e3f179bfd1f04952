#include "tokenizer/jinja/arguments.h"

#include <algorithm>

#include "tokenizer/jinja/operators.h"

namespace spate::jinja {

Parameters::Parameters(const Arguments& arguments, std::string_view function,
                       std::initializer_list<std::string_view> names, size_t required, size_t positional)
    : function_(function), values_(names.size()) {
  if (arguments.positional.size() > names.size()) {
    throw Failure("{}() takes at most {} arguments, got {}", function, names.size(), arguments.positional.size());
  }
  std::copy(arguments.positional.begin(), arguments.positional.end(), values_.begin());
  for (const auto& [name, value] : arguments.named) {
    const auto found = std::find(names.begin() + positional, names.end(), name);
    if (found == names.end()) throw Failure("{}() got an unexpected keyword argument '{}'", function, name);
    Value& slot = values_[static_cast<size_t>(found - names.begin())];
    if (!slot.IsMissing()) throw Failure("{}() got multiple values for argument '{}'", function, name);
    slot = value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (values_[i].IsMissing()) throw Failure("{}() is missing its argument '{}'", function, names.begin()[i]);
  }
}

int64_t Parameters::Integer(size_t i, int64_t otherwise) const { return Has(i) ? IndexOf(values_[i]) : otherwise; }

bool Parameters::Truth(size_t i, bool otherwise) const { return Has(i) ? jinja::Truth(values_[i]) : otherwise; }

std::string_view Parameters::Text(size_t i, std::string_view otherwise) const {
  if (!Has(i)) return otherwise;
  if (values_[i].IsUndefined()) FailUndefined(values_[i]);
  if (!values_[i].IsString()) throw Failure("{}() expected a str, got {}", function_, TypeName(values_[i]));
  return values_[i].text();
}

void RefuseArguments(const Arguments& arguments, std::string_view function) {
  [[maybe_unused]] const Parameters none(arguments, function, {}, 0);
}

}  // namespace spate::jinja
