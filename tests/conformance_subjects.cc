#include "tests/conformance_subjects.h"

#include <cstdlib>
#include <optional>

#include "base/isa.h"

namespace spate::conformance {
namespace {

// SPATE_ISA for the lifetime of this object. Tests start no threads that read the environment.
class ForcedIsa {
 public:
  explicit ForcedIsa(const std::string& isa) {
    if (const char* value = std::getenv("SPATE_ISA")) before_ = value;
    if (!isa.empty()) setenv("SPATE_ISA", isa.c_str(), 1);
  }
  ~ForcedIsa() {
    if (before_) {
      setenv("SPATE_ISA", before_->c_str(), 1);
    } else {
      unsetenv("SPATE_ISA");
    }
  }
  ForcedIsa(const ForcedIsa&) = delete;
  ForcedIsa& operator=(const ForcedIsa&) = delete;

 private:
  std::optional<std::string> before_;
};

}  // namespace

std::unique_ptr<Device> MakeSubject(const Subject& subject, int threads) {
  const ForcedIsa forced(subject.isa);
  return MakeDevice(subject.backend, {.threads = threads});
}

std::vector<Subject> Subjects() {
  std::vector<Subject> subjects;
  for (std::string_view backend : Backends()) {
    std::vector<std::string> seen;  // DeviceInfo::isa of the levels so far
    for (Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
      if (isa > DetectIsa()) continue;
      const Subject subject = {std::string(backend), std::string(IsaName(isa))};
      const std::string level = MakeSubject(subject, 1)->info().isa;
      if (!seen.empty() && seen.back() == level) {  // SPATE_ISA changes nothing here
        subjects.back().isa.clear();
        continue;
      }
      seen.push_back(level);
      subjects.push_back(subject);
    }
  }
  return subjects;
}

}  // namespace spate::conformance
