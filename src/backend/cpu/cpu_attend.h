// AttentionRunner: normalizes and rotates queries and keys, writes the cache and attends, with all threads of a pool.
// Owns the KV arena and all scratch, planned at construction; one caller at a time, like the Ops that owns it.
//
// A tile is a run of queries of one sequence that lie in one aligned stretch of positions; with one key/value head it
// is a task. Where there are too few tasks for the threads (a decode step of few sequences), a task is one part of
// kAttentionPart positions instead. Parts are merged in ascending order either way, by the same function: the result
// has the same bits.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cpu/cpu_kv.h"
#include "backend/cpu/kernel_table.h"
#include "backend/ops.h"
#include "base/aligned_buffer.h"
#include "base/thread_pool.h"

namespace spate::cpu {

class AttentionRunner {
 public:
  AttentionRunner(const OpsConfig& config, const KernelTable& kernels, ThreadPool& pool);

  // Cosines and sines of the step's positions.
  void Begin(const Batch& batch);
  // As Ops::Attend. qkv is left as it was.
  void Attend(const AttnSpec& spec, const QkNormWeights& norms, int layer, const Batch& batch, const Mat& qkv,
              const Mat& out);

 private:
  struct Tile {
    int sequence;
    int token;  // first, in the batch
    int queries;
    int position;    // of the first
    int first_part;  // that its queries see
    int parts;       // how many
    int piece;       // number of its first part among those of all tiles
  };
  struct Rope {
    RopeStyle style;
    float magnitude;
    std::vector<float> inv_freq;  // [pairs]
    AlignedBuffer cos;            // [max_tokens, pairs]
    AlignedBuffer sin;
  };
  struct Scratch {  // of one thread
    AlignedBuffer memory;
    float* queries;
    float* scores;
    float* row;
    AttentionState state;
    AttentionState part;
  };
  struct Job;  // one Attend

  void PlanTiles(const Batch& batch, int sharing, int window);
  Mat Prepared(const AttnSpec& spec, const QkNormWeights& norms, const Mat& qkv);
  void RunThread(const Job& job, int thread) noexcept;
  void Rotate(const Job& job, const float* head, int token, float* out) const;
  void WriteToken(const Job& job, int token, int kv_head, float* row) const;
  void RunTile(const Job& job, const Tile& tile, int kv_head, Scratch& scratch) const;
  void RunPiece(const Job& job, const Tile& tile, int kv_head, int part, Scratch& scratch);
  void MergePieces(const Job& job, const Tile& tile, int kv_head);
  void LoadQueries(const Job& job, const Tile& tile, int kv_head, Scratch& scratch) const;
  void RunPart(const Job& job, const Tile& tile, int kv_head, int part, const Scratch& scratch,
               const AttentionState& state) const;
  void Finish(const Job& job, const Tile& tile, int kv_head, const AttentionState& state) const;
  AttentionState Piece(const Job& job, const Tile& tile, int kv_head, int part);

  const KernelTable& kernels_;
  ThreadPool& pool_;
  const int max_tokens_;
  KvArena kv_;
  const AttentionKernels::Format& format_;
  std::vector<Rope> ropes_;
  std::vector<AlibiSlopes> slopes_;  // of scores that count in powers of two
  const int64_t prepared_stride_;
  AlignedBuffer prepared_;        // [max_tokens, prepared_stride_]: clamped and normalized rows
  std::vector<Scratch> scratch_;  // [threads]
  AlignedBuffer pieces_;          // results of parts that are computed as tasks of their own

  std::vector<Tile> tiles_;
  int planned_sharing_ = 0;  // 0 = no tiles planned in this step
  int planned_window_ = 0;
  int total_parts_ = 0;       // of all tiles
  bool decode_only_ = false;  // no sequence has two tokens in this step

  ChunkCounter writes_;
  ChunkCounter tasks_;
  ChunkCounter merges_;
};

}  // namespace spate::cpu
