#include "backend/cpu/expert_product.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/linear_task.h"
#include "base/math_util.h"

namespace spate::cpu {
namespace {

int64_t TileTasks(const PackedMatrix& w) { return CeilDiv(w.tiles(), kTaskTiles); }
int64_t TokenTasks(int rows) { return CeilDiv(int64_t{rows}, kTaskTokens); }

}  // namespace

int64_t ExpertRows::RowBytes(int64_t cols) { return AlignUp(cols * int64_t{sizeof(float)}, 128) + 64; }

ExpertProduct::ExpertProduct(int threads, int max_experts) : tasks_(threads) {
  first_task_.reserve(static_cast<size_t>(max_experts) + 1);
}

void ExpertProduct::Reset(const Job& job, int threads) noexcept {
  job_ = job;
  first_task_.assign(1, 0);
  for (const ExpertGroups::Group& group : job.groups) {
    const PackedMatrix& w = ExpertOf(*job.stack, job.experts, group.expert);
    first_task_.push_back(first_task_.back() + TileTasks(w) * TokenTasks(group.rows));
  }
  tasks_.Reset(first_task_.back(), threads);
}

void ExpertProduct::Run(int thread, float* acc, std::byte* unpacked) noexcept {
  int64_t next = -1;
  for (int64_t index = tasks_.Next(thread); index >= 0; index = next) {
    const auto end = std::upper_bound(first_task_.begin(), first_task_.end(), index);
    const int64_t first = *(end - 1);
    const ExpertGroups::Group& group = job_.groups[static_cast<size_t>(end - first_task_.begin()) - 1];
    const PackedMatrix& w = ExpertOf(*job_.stack, job_.experts, group.expert);
    const Mat x{.data = job_.x->At(group.begin), .rows = group.rows, .cols = static_cast<int>(w.cols())};
    const Mat out{.data = job_.out->At(group.begin),
                  .rows = group.rows,
                  .cols = static_cast<int>(w.outputs()),
                  .stride = job_.out->row_bytes / int64_t{sizeof(float)}};
    LinearJob job(w, x, out);
    job.finish = job_.finish;
    job.token_bytes = job_.x->row_bytes;
    job.tile_tasks = TileTasks(w);
    job.token_tasks = TokenTasks(group.rows);

    const LinearTask task(job, index - first);
    const auto* data = static_cast<const std::byte*>(x.data);
    if (w.kernels().unpack != nullptr) {
      RunBlockTask(job, task, data, unpacked, acc);
      next = tasks_.Next(thread);
      continue;
    }
    if (IsOnePass(w.kernels(), task.tokens)) {
      RunLinearTask(job, task, nullptr, data, acc);
      next = tasks_.Next(thread);
      continue;
    }
    next = tasks_.Next(thread);  // before this one is computed, so that its weights can be fetched meanwhile
    const bool same = next >= first && next < *end;
    const LinearTask following(job, same ? next - first : 0);
    RunLinearTask(job, task, same ? &following : nullptr, data, acc);
  }
}

}  // namespace spate::cpu
