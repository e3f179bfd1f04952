// Every operation of every backend at every instruction set level of this machine against the reference
// backend; and every case against devices with a planted fault, which it has to reject.
#include <gtest/gtest.h>

#include "backend/ref/ref_device.h"
#include "tests/conformance_case.h"
#include "tests/conformance_fault.h"
#include "tests/conformance_subjects.h"

namespace spate::conformance {
namespace {

struct Operation {
  const char* name;
  CaseList (*cases)();
  friend void PrintTo(const Operation& operation, std::ostream* out) { *out << operation.name; }
};
constexpr Operation kOperations[] = {
    {"Embed", EmbedCases},     {"Add", AddCases},           {"AddNorm", AddNormCases},       {"Apply", ApplyCases},
    {"Attend", AttendCases},   {"Softcap", SoftcapCases},   {"GatherRows", GatherRowsCases}, {"Sample", SampleCases},
    {"Experts", ExpertsCases}, {"AddGated", AddGatedCases},
};

// Made once: the cases keep what the reference says.
const CaseList& CasesOf(const Operation& operation) {
  static CaseList lists[std::size(kOperations)];
  CaseList& list = lists[&operation - kOperations];
  if (list.empty()) list = operation.cases();
  return list;
}

Device& Reference() {
  static const std::unique_ptr<Device> device = MakeRefDevice({});
  return *device;
}

class BackendConformance : public testing::TestWithParam<std::tuple<Subject, Operation>> {
 protected:
  BackendConformance() : device_(MakeSubject(std::get<0>(GetParam()), 2)) {}
  const CaseList& cases() const {
    const char* name = std::get<1>(GetParam()).name;
    for (const Operation& operation : kOperations) {
      if (operation.name == name) return CasesOf(operation);
    }
    std::abort();
  }

  std::unique_ptr<Device> device_;
};

TEST_P(BackendConformance, AgreesWithTheReference) {
  for (const std::unique_ptr<Case>& one : cases()) {
    EXPECT_EQ(one->Mismatch(Reference(), one->Run(*device_)), "") << one->name();
  }
}

TEST_P(BackendConformance, RejectsPlantedFaults) {
  for (Fault fault : kFaults) {
    FaultyDevice faulty(*device_, fault);
    for (const std::unique_ptr<Case>& one : cases()) {
      if (!one->Feels(fault)) continue;
      EXPECT_NE(one->Mismatch(Reference(), one->Run(faulty)), "") << Name(fault) << " not noticed: " << one->name();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, BackendConformance,
                         testing::Combine(testing::ValuesIn(Subjects()), testing::ValuesIn(kOperations)),
                         [](const auto& param) {
                           return std::string(std::get<1>(param.param).name) + "_" + std::get<0>(param.param).Name();
                         });

}  // namespace
}  // namespace spate::conformance
