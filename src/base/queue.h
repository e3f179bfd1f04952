// Queue<T>: many producers, one consumer, in order, unbounded (who admits work limits it). A mutex and a condition
// variable: it is crossed a few times per request, and the consumer must be able to sleep.
// Every method is thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace spate {

template <typename T>
class Queue {
 public:
  // False after Close: the item is gone, the caller answers for it.
  [[nodiscard]] bool Push(T item) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return false;
      items_.push_back(std::move(item));
    }
    ready_.notify_one();
    return true;
  }

  // False when there is nothing now.
  bool TryPop(T& item) {
    const std::lock_guard lock(mutex_);
    return PopLocked(item);
  }

  // Waits for an item. nullopt after `timeout`, or when the queue is closed and empty.
  std::optional<T> WaitPop(std::chrono::nanoseconds timeout) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, timeout, [this] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    return item;
  }

  // Waits like WaitPop but takes nothing; true when there is an item.
  bool WaitReady(std::chrono::nanoseconds timeout) {
    std::unique_lock lock(mutex_);
    ready_.wait_for(lock, timeout, [this] { return closed_ || !items_.empty(); });
    return !items_.empty();
  }

  // Appends everything that is there now to `out`, in order; returns how many.
  size_t DrainInto(std::vector<T>& out) {
    const std::lock_guard lock(mutex_);
    const size_t count = items_.size();
    for (T& item : items_) out.push_back(std::move(item));
    items_.clear();
    return count;
  }

  // No more Push; what is there can still be taken. Wakes the consumer.
  void Close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }

  bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  bool PopLocked(T& item) {
    if (items_.empty()) return false;
    item = std::move(items_.front());
    items_.pop_front();
    return true;
  }

  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace spate
