// SamplerChain: the general way to a token, for requests with samplers beyond the usual ones or in another order. The
// tokens that are left are a list that every sampler shortens or changes; backend/ref/samplers.h defines them.
//
// A view of one thread's scratch for the time of one row: made, used and dropped by Sampler. Allocates nothing. As in
// Sampler logits and weights are f32 and sums f64; the temperature is a factor that stays apart from the logits, so
// that a single one rounds as in the usual way.
#pragma once

#include <cstdint>
#include <span>

#include "backend/cpu/row_kernels.h"
#include "backend/ops.h"

namespace spate::cpu {

class SamplerChain {
 public:
  // All [vocab].
  struct Buffers {
    int32_t* ids = nullptr;
    float* values = nullptr;
    float* weights = nullptr;
    int32_t* order = nullptr;
  };
  struct Drawn {
    int32_t id = 0;
    double bits = 0;  // its surprise before Mirostat's cut
  };

  // Starts with all finite logits of x.
  SamplerChain(const RowKernels& kernels, const Buffers& buffers, const float* x, int64_t vocab);

  bool empty() const { return count_ == 0; }
  std::span<const int32_t> ids() const { return {buffers_.ids, static_cast<size_t>(count_)}; }  // ascending

  // logit = change(id, logit) for every token that is left; called in ascending order of id.
  template <class Change>
  void ChangeLogits(Change change) {
    FoldFactor();
    for (int64_t i = 0; i < count_; ++i) buffers_.values[i] = Finite(change(buffers_.ids[i], Value(i)));
    FindMax();
  }

  void KeepTopNSigma(double n);
  void Temper(double temperature);
  void TemperByEntropy(double temperature, double range, double exponent);
  void KeepTopK(int64_t k);
  void KeepTypical(double mass);
  void KeepTopP(double mass);
  void KeepMinP(float share);
  void ExcludeTopChoices(double threshold);

  int32_t Best() const { return buffers_.ids[best_]; }
  // The token at u of the distribution function.
  Drawn Draw(double u);
  Drawn DrawMirostat(double u, double mu);

 private:
  static float Finite(double value);
  double Value(int64_t i) const { return static_cast<double>(buffers_.values[i]); }
  double Weight(int64_t i) const { return static_cast<double>(buffers_.weights[i]); }
  double Nats(int64_t i, double log_total) const;  // surprise
  double Weigh();                                  // fills weights; their sum
  double Entropy(double total) const;
  void FindMax();
  void FoldFactor();
  template <class Keep>
  void KeepIf(Keep keep);
  // Keeps the tokens whose indices are order[0 ... kept), and those whose weight is marked so already.
  void KeepOrdered(int64_t kept);
  // Of the `ranked` indices in order, the first by `before` that weigh `enough` together; at least one.
  template <class Before>
  void KeepFirst(int64_t ranked, double enough, Before before);
  Drawn DrawWeighed(double u, double kept, double total) const;

  const RowKernels& kernels_;
  Buffers buffers_;
  int64_t count_ = 0;
  int64_t best_ = 0;  // index of the most probable token
  float max_ = 0;
  float factor_ = 1;  // multiplies the values
};

}  // namespace spate::cpu
