#include "tests/conformance_case.h"

#include <fmt/format.h>

#include <cmath>

namespace spate::conformance {
namespace {

std::string FirstDifference(const Expectation& expected, const std::vector<float>& values) {
  if (values.size() != expected.values.size()) {
    return fmt::format("{} values, expected {}", values.size(), expected.values.size());
  }
  size_t bad = 0;
  std::string first;
  for (size_t i = 0; i < values.size(); ++i) {
    const double difference = std::abs(static_cast<double>(values[i]) - static_cast<double>(expected.values[i]));
    if (difference <= expected.bounds[i]) continue;  // false for a NaN
    if (bad++ == 0) {
      first = fmt::format("value {} is {:.9g}, expected {:.9g} +- {:.3g}", i, values[i], expected.values[i],
                          expected.bounds[i]);
    }
  }
  return bad == 0 ? "" : fmt::format("{} of {} values differ; {}", bad, values.size(), first);
}

}  // namespace

const char* Name(Fault fault) {
  switch (fault) {
    case Fault::kWeight:
      return "one weight";
    case Fault::kPosition:
      return "one position";
    case Fault::kAngle:
      return "one angle";
    case Fault::kTail:
      return "missing tail";
    case Fault::kNorm:
      return "one norm weight";
  }
  return "?";
}

std::string Case::Mismatch(Device& ref, const Output& output) const {
  if (!output.damage.empty()) return output.damage;
  if (expected_.empty()) expected_ = Expect(ref);
  std::string all;
  for (const Expectation& expectation : expected_) {
    const std::string difference = FirstDifference(expectation, output.values);
    if (difference.empty()) return {};
    all += (all.empty() ? "" : "; or: ") + difference;
  }
  return all;
}

}  // namespace spate::conformance
