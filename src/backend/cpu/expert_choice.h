// Which experts the tokens of a step use, and the step's work by expert. ChooseExperts is a plain function of one
// token's router logits. ExpertGroups turns the choices of all tokens into one list of rows per expert; its arrays are
// planned at construction, one thread fills them, any may read them then.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/op_params.h"

namespace spate::cpu {

// The spec.active experts with the largest logits, the largest first and the lowest index among equals, and the weight
// of each. A NaN counts as the smallest logit when experts are chosen; where it takes part in a weight, the weight is
// NaN.                                                    logits [spec.experts], chosen, weights [spec.active]
void ChooseExperts(const FfnSpec& spec, const float* logits, int32_t* chosen, float* weights) noexcept;

class ExpertGroups {
 public:
  // One expert and the rows of its tokens: those of a group lie together, in the order of the tokens.
  struct Group {
    int expert = 0;
    int begin = 0;  // first row
    int rows = 0;
  };

  ExpertGroups(int64_t max_tokens, int max_experts, int max_active);

  // chosen: experts of all tokens, below `experts`.                                            chosen [tokens * active]
  void Reset(std::span<const int32_t> chosen, int experts) noexcept;

  // Experts that some token uses, ascending.
  std::span<const Group> groups() const { return {groups_.data(), count_}; }
  // Where choice i of a token has its row: choice = token * active + i.
  int row(int choice) const { return row_of_[static_cast<size_t>(choice)]; }

 private:
  std::vector<int> next_;  // [experts] how many rows, then where the next one goes
  std::vector<Group> groups_;
  size_t count_ = 0;
  std::vector<int> row_of_;  // [tokens * active]
};

}  // namespace spate::cpu
