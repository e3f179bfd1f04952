// A conformance case: one operation on fixed inputs, run on any device, with what the reference says
// about the result and how far from it a device may be.
//
// Where a tolerance is not zero it is a bound of f32 arithmetic derived in the file of the operation, in
// terms of kRoundoff and Gamma(n): n roundings of relative size u compound to at most
// Gamma(n) = n u / (1 - n u) (Higham, Accuracy and Stability of Numerical Algorithms, lemma 3.1).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/device.h"

namespace spate::conformance {

inline constexpr double kRoundoff = 0x1p-24;  // f32, round to nearest
inline double Gamma(double roundings) { return roundings * kRoundoff / (1 - roundings * kRoundoff); }

// What is planted into a device to see that a case notices.
enum class Fault {
  kWeight,    // one weight (or, for operations without weights, one input) is another
  kPosition,  // one token, row or column is read or written one place off
  kAngle,     // one token is rotated as if it were one position earlier
  kTail,      // the last element of the output is not written
  kNorm,      // one weight of each norm of queries and keys is another
};
inline constexpr Fault kFaults[] = {Fault::kWeight, Fault::kPosition, Fault::kAngle, Fault::kTail, Fault::kNorm};
const char* Name(Fault fault);

struct Output {
  std::vector<float> values;
  std::vector<SampleResult> samples;
  std::string damage;  // what was overwritten outside the output; empty = nothing
};

// One admissible result.
struct Expectation {
  std::vector<float> values;
  std::vector<double> bounds;  // of |difference|, one per value
};

class Case {
 public:
  virtual ~Case() = default;
  virtual std::string name() const = 0;
  virtual Output Run(Device& device) const = 0;
  // Whether the fault can change the result at all: a single row has no neighbour.
  virtual bool Feels(Fault fault) const { return fault != Fault::kAngle && fault != Fault::kNorm; }

  // Empty, or where the output leaves what `ref` allows.
  virtual std::string Mismatch(Device& ref, const Output& output) const;

 protected:
  // Alternatives: the output has to agree with one of them everywhere.
  virtual std::vector<Expectation> Expect(Device&) const { return {}; }

 private:
  mutable std::vector<Expectation> expected_;  // by the one reference; made on first use
};

using CaseList = std::vector<std::unique_ptr<Case>>;
CaseList EmbedCases();
CaseList AddCases();
CaseList AddNormCases();
CaseList ApplyCases();
CaseList AttendCases();
CaseList GatherRowsCases();
CaseList SampleCases();
CaseList SoftcapCases();
CaseList ExpertsCases();
CaseList AddGatedCases();

}  // namespace spate::conformance
