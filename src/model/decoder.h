// Decoder: runs any ModelSpec on any Ops. Stateless between calls: the KV cache lives in the backend and
// is addressed through Batch. Seven operations a layer of the usual kind; model code knows no device, format or rank.
#pragma once

#include "backend/ops.h"
#include "model/spec.h"
#include "model/weights.h"

namespace spate {

class Decoder {
 public:
  // All three outlive the decoder.
  Decoder(const ModelSpec& spec, const Weights& weights, Ops& ops) : spec_(spec), weights_(weights), ops_(ops) {}

  // Runs layers [first_layer, last_layer) of one step. With first_layer 0 the batch's ids are embedded, else
  // `hidden` [tokens, dim] is the residual stream of the rank before. Returns logits [outputs, vocab] when
  // last_layer is the model's last, else the residual stream. Valid until the next call.
  Mat Forward(const Batch& batch, int first_layer, int last_layer, Mat hidden = {});

  // All of it: ids to logits.
  Mat Forward(const Batch& batch) { return Forward(batch, 0, spec_.Layers()); }

 private:
  Mat Embed(const Batch& batch);  // the residual stream at its start
  void Layer(const Batch& batch, int l, Mat x);
  Mat Attention(const Batch& batch, int l, Mat in);  // heads' results, before the output projection
  void FeedForward(int l, Mat in, Mat out, const Epilogue& epilogue);
  Mat Logits(const Batch& batch, Mat x);

  const ModelSpec& spec_;
  const Weights& weights_;
  Ops& ops_;
};

// What an Ops must be planned for to run `spec`; limits of a step, slots and KV blocks are the caller's.
OpsConfig PlanOps(const ModelSpec& spec, DType kv_dtype);

}  // namespace spate
