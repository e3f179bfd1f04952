// One case of Attend: what a layer's attention is like, and how sequences are fed to it.
#pragma once

#include <memory>
#include <vector>

#include "tests/conformance_case.h"

namespace spate::conformance {

struct AttendShape {
  int heads = 1;
  int kv_heads = 1;
  int head_dim = 8;
  int pairs = 0;  // rotated; -1 = no rotation at all
  RopeStyle style = RopeStyle::kHalf;
  float magnitude = 1;
  DType kv = DType::kF32;
  std::vector<std::vector<int>> chunks{};  // [sequence][step]; a sequence may take part in fewer steps
  int groups = 1;                          // layer g is of group g and has g more kv heads
  bool stale = false;                      // the blocks held infinities and NaNs of someone else
  int window = 0;
  float softcap = 0;
  bool alibi = false;
  float clip = 0;
  QkNorm qk_norm = QkNorm::kNone;
  NormKind norm = NormKind::kRms;
};

std::unique_ptr<Case> MakeAttendCase(AttendShape shape);

}  // namespace spate::conformance
