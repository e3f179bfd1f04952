// The devices under test: every backend of this build, at every instruction set level that this machine has.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "backend/device.h"

namespace spate::conformance {

struct Subject {
  std::string backend;  // "cpu"
  std::string isa;      // what SPATE_ISA was; "" for a backend that it does not change
  std::string Name() const { return isa.empty() ? backend : backend + "_" + isa; }
  friend void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.Name(); }
};

std::vector<Subject> Subjects();
std::unique_ptr<Device> MakeSubject(const Subject& subject, int threads);

}  // namespace spate::conformance
