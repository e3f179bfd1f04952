#include "convert/file_pass.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include "base/sha256.h"
#include "base/stream_reader.h"

namespace spate {
namespace {

constexpr size_t kPiece = size_t{2} << 20;  // what StreamReader reads ahead well, and a cache still holds when it is
                                            // looked at a second time
constexpr size_t kMostFiles = 8;            // at a time; each takes up to 14 pieces of memory
constexpr auto kProgressEvery = std::chrono::milliseconds(50);

// The parts of tensors in a piece of the file, fed to their counters.
class TensorFeeder {
 public:
  explicit TensorFeeder(std::vector<TensorRange>& tensors) : tensors_(tensors) {
    for (const TensorRange& range : tensors) counters_.emplace_back(range.format);
  }

  void Feed(size_t begin, std::span<const std::byte> piece) {
    const size_t end = begin + piece.size();
    while (first_ < tensors_.size() && tensors_[first_].offset + tensors_[first_].size <= begin) ++first_;
    for (size_t i = first_; i < tensors_.size() && tensors_[i].offset < end; ++i) {
      const size_t from = std::max(tensors_[i].offset, begin);
      const size_t to = std::min(tensors_[i].offset + tensors_[i].size, end);
      if (from < to) counters_[i].Feed(piece.subspan(from - begin, to - from));
    }
  }
  void Finish() {
    for (size_t i = 0; i < tensors_.size(); ++i) tensors_[i].bad = counters_[i].result();
  }

 private:
  std::vector<TensorRange>& tensors_;
  std::vector<BadValueCounter> counters_;  // of tensors_
  size_t first_ = 0;                       // all before it lie behind us
};

void RunPass(FilePass& pass, std::atomic<int64_t>& done, const std::atomic<bool>& stop) {
  Sha256 sha;
  if (pass.file != nullptr) {
    const std::span<const std::byte> all = pass.file->bytes();
    std::vector<std::span<const std::byte>> pieces;
    for (size_t at = 0; at < all.size(); at += kPiece)
      pieces.push_back(all.subspan(at, std::min(kPiece, all.size() - at)));
    StreamReader reader({pass.file, 1});
    if (pieces.size() > 1) reader.Plan(pieces);
    TensorFeeder feeder(pass.tensors);
    size_t at = 0;
    for (const auto range : pieces) {
      if (stop) return;
      const StreamReader::Piece piece = reader.Read(range);
      reader.ThrowIfFailed();
      const std::span<const std::byte> bytes(piece.data(), range.size());
      if (pass.hash) sha.Update(bytes);
      feeder.Feed(at, bytes);
      at += range.size();
      done += static_cast<int64_t>(range.size());
    }
    feeder.Finish();
  }
  if (pass.hash) pass.sha256 = sha.FinishHex();
}

int64_t SizeOf(const FilePass& pass) {
  return pass.file == nullptr ? 0 : static_cast<int64_t>(pass.file->bytes().size());
}

}  // namespace

void RunFilePasses(std::span<FilePass> passes, const PassProgress& progress) {
  int64_t total = 0;
  for (const FilePass& pass : passes) total += SizeOf(pass);
  // The largest first, so that none is left over to one thread at the end.
  std::vector<size_t> order(passes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return SizeOf(passes[a]) > SizeOf(passes[b]); });

  std::atomic<size_t> next{0};
  std::atomic<int64_t> done{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::exception_ptr failure;
  size_t working = std::min({passes.size(), kMostFiles, size_t{std::max(1u, std::thread::hardware_concurrency())}});
  std::vector<std::jthread> threads;
  for (size_t t = working; t > 0; --t) {
    threads.emplace_back([&] {
      std::exception_ptr caught;
      try {
        for (size_t i = next++; i < order.size() && !stop; i = next++) RunPass(passes[order[i]], done, stop);
      } catch (...) {
        caught = std::current_exception();
        stop = true;
      }
      const std::lock_guard lock(mutex);
      if (caught && !failure) failure = caught;
      --working;
      changed.notify_all();
    });
  }
  {
    std::unique_lock lock(mutex);
    while (!changed.wait_for(lock, kProgressEvery, [&] { return working == 0; })) {
      if (!progress) continue;
      lock.unlock();
      progress(done, total);
      lock.lock();
    }
  }
  threads.clear();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace spate
