#include "convert/pull/fetch_all.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "base/error.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

// What the threads share.
struct Work {
  std::atomic<size_t> next{0};
  std::atomic<bool> stop{false};
  std::atomic<int64_t> arrived{0};

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  size_t running = 0;
  std::exception_ptr failure;  // the first
  std::map<std::string, std::string> sums;
};

void FetchOne(Downloader* downloader, const FetchJob& job, const fs::path& root, const std::string& source,
              Work* work) {
  const std::string what = source + ": " + job.file.name;
  PartFile part(root, job.file);
  downloader->Fetch(job.url, what, &part, [&](int64_t bytes) { work->arrived += bytes; });
  std::string sum = part.Commit(source);
  const std::lock_guard lock(work->mutex);
  work->sums[job.file.name] = std::move(sum);
}

}  // namespace

std::map<std::string, std::string> FetchAll(const CurlLibrary& curl, const std::vector<FetchJob>& jobs,
                                            const fs::path& root, const std::string& source,
                                            const FetchOptions& options) {
  Work work;
  int64_t total = 0;
  for (const FetchJob& job : jobs) total += job.file.size - PartSize(root, job.file);
  const auto run = [&] {
    try {
      Downloader downloader(curl, options.transfer, [&] { return work.stop.load(); });
      for (size_t i = work.next++; i < jobs.size() && !work.stop; i = work.next++) {
        FetchOne(&downloader, jobs[i], root, source, &work);
      }
    } catch (...) {
      const std::lock_guard lock(work.mutex);
      if (work.failure == nullptr) work.failure = std::current_exception();
      work.stop = true;
    }
    const std::lock_guard lock(work.mutex);
    --work.running;
    work.changed.notify_all();
  };

  std::vector<std::thread> threads;
  const size_t count = std::min(jobs.size(), static_cast<size_t>(std::max(options.at_once, 1)));
  work.running = count;
  for (size_t i = 0; i < count; ++i) threads.emplace_back(run);
  std::unique_lock lock(work.mutex);
  while (work.running > 0) {
    work.changed.wait_for(lock, std::chrono::milliseconds(100));
    if (options.stop && options.stop()) work.stop = true;
    if (options.progress) options.progress(work.arrived, total);
  }
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
  if (work.failure != nullptr) std::rethrow_exception(work.failure);
  if (work.sums.size() < jobs.size()) throw Error(ErrorCode::kInterrupted, "{}: interrupted", source);
  return std::move(work.sums);
}

}  // namespace spate
