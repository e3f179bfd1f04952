#include "base/stream_reader.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/math_util.h"

namespace spate {
namespace {

constexpr int kThreads = 4;                      // reads under way at once: enough to keep a disk busy
constexpr int kMostHeld = 12;                    // pieces read ahead
constexpr size_t kBufferStep = size_t{2} << 20;  // bytes; so that most buffers fit most ranges

uintptr_t Address(std::span<const std::byte> range) { return reinterpret_cast<uintptr_t>(range.data()); }

// One call instead of a fault for every 16 pages. Where the system does not know it, faults do the work.
void MapPages(std::span<const std::byte> range) {
#ifdef MADV_POPULATE_READ
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t first = Address(range) / page * page;
  madvise(reinterpret_cast<void*>(first), Address(range) + range.size() - first, MADV_POPULATE_READ);
#else
  (void)range;
#endif
}

}  // namespace

StreamReader::Piece& StreamReader::Piece::operator=(Piece&& other) noexcept {
  std::swap(reader_, other.reader_);
  std::swap(buffer_, other.buffer_);
  std::swap(data_, other.data_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  return *this;
}

StreamReader::Piece::~Piece() {
  if (reader_ == nullptr) return;
  if (mapped_bytes_ == 0) {
    reader_->GiveBack(std::move(buffer_));
  } else {
    const std::span<const std::byte> mapped(data_, mapped_bytes_);
    reader_->files_[reader_->FileOf(mapped)].DropPages(mapped);
  }
}

StreamReader::StreamReader(std::span<const MmapFile> files) : files_(files) {
  for (const MmapFile& file : files) readers_.push_back(std::make_unique<FileReader>(file));
}

StreamReader::~StreamReader() { StopReading(); }

void StreamReader::StopReading() {
  for (std::jthread& thread : threads_) thread.request_stop();
  changed_.notify_all();
  threads_.clear();
}

void StreamReader::Plan(std::span<const std::span<const std::byte>> ranges, ReadMode mode) {
  StopReading();
  mode_ = mode;
  plan_.clear();
  for (const auto range : ranges) plan_.push_back({.range = range, .state = State::kPlanned, .buffer = {}});
  by_address_.resize(plan_.size());
  std::iota(by_address_.begin(), by_address_.end(), size_t{0});
  std::sort(by_address_.begin(), by_address_.end(),
            [&](size_t a, size_t b) { return Address(plan_[a].range) < Address(plan_[b].range); });
  next_ = oldest_ = 0;
  held_ = 0;
  if (plan_.empty() || mode_ == ReadMode::kMapped) return;
  for (int i = 0; i < kThreads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { ReadAhead(stop); });
  }
}

StreamReader::Piece StreamReader::Read(std::span<const std::byte> range) noexcept {
  if (mode_ == ReadMode::kMapped) {
    FetchAhead(range);
    MapPages(range);
    return {*this, range};
  }
  std::unique_lock lock(mutex_);
  if (Ahead* ahead = Find(range)) {
    if (ahead->state == State::kPlanned) ahead->state = State::kGone;  // it was not begun: then not twice
    changed_.wait(lock, [&] { return ahead->state != State::kReading; });
    if (ahead->state == State::kReady) {
      ahead->state = State::kGone;
      --held_;
      AlignedBuffer buffer = std::move(ahead->buffer);
      const std::span<const std::byte> held = ahead->range;
      DropPassed(static_cast<size_t>(ahead - plan_.data()));
      lock.unlock();
      changed_.notify_all();
      return MakePiece(range, held, std::move(buffer));
    }
  }
  lock.unlock();
  AlignedBuffer buffer = TakeBuffer(range);
  Fill(range, buffer);
  return MakePiece(range, range, std::move(buffer));
}

void StreamReader::ThrowIfFailed() const {
  for (const auto& reader : readers_) reader->ThrowIfFailed();
}

void StreamReader::ReadAhead(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    while (next_ < plan_.size() && plan_[next_].state != State::kPlanned) ++next_;
    if (next_ == plan_.size()) return;
    if (!changed_.wait(lock, stop, [&] { return held_ < kMostHeld; })) return;
    if (next_ == plan_.size() || plan_[next_].state != State::kPlanned) continue;  // another thread was faster
    Ahead& ahead = plan_[next_++];
    // What the system holds needs no waiting: whoever asks for it copies it into its own core's cache.
    if (ReaderOf(ahead.range).InPageCache(ahead.range)) {
      ahead.state = State::kGone;
      continue;
    }
    ahead.state = State::kReading;
    ++held_;
    lock.unlock();
    AlignedBuffer buffer = TakeBuffer(ahead.range);
    Fill(ahead.range, buffer);
    lock.lock();
    ahead.buffer = std::move(buffer);
    ahead.state = State::kReady;
    changed_.notify_all();
  }
}

void StreamReader::FetchAhead(std::span<const std::byte> range) {
  const std::scoped_lock lock(mutex_);
  const Ahead* at = Find(range);
  if (at == nullptr) return;
  const size_t until = std::min(static_cast<size_t>(at - plan_.data()) + kMostHeld, plan_.size());
  for (; next_ < until; ++next_) files_[FileOf(plan_[next_].range)].FetchPages(plan_[next_].range);
}

StreamReader::Ahead* StreamReader::Find(std::span<const std::byte> range) {
  const auto after = std::upper_bound(by_address_.begin(), by_address_.end(), Address(range),
                                      [&](uintptr_t address, size_t i) { return address < Address(plan_[i].range); });
  if (after == by_address_.begin()) return nullptr;
  Ahead& ahead = plan_[*std::prev(after)];
  const bool inside = Address(range) + range.size() <= Address(ahead.range) + ahead.range.size();
  return inside ? &ahead : nullptr;
}

// A caller that leaves planned ranges out must not block the rest: what lies far behind the newest taken is let go.
void StreamReader::DropPassed(size_t taken) {
  for (; oldest_ + 2 * kMostHeld < taken; ++oldest_) {
    Ahead& ahead = plan_[oldest_];
    if (ahead.state == State::kReading) return;
    if (ahead.state == State::kReady) {
      --held_;
      free_.push_back(std::move(ahead.buffer));
    }
    ahead.state = State::kGone;
  }
}

size_t StreamReader::FileOf(std::span<const std::byte> range) const {
  const auto it = std::find_if(files_.begin(), files_.end(), [&](const MmapFile& file) {
    const std::span<const std::byte> all = file.bytes();
    return range.data() >= all.data() && range.data() + range.size() <= all.data() + all.size();
  });
  CHECK(it != files_.end(), "a range of no file here");
  return static_cast<size_t>(it - files_.begin());
}

void StreamReader::Fill(std::span<const std::byte> range, AlignedBuffer& buffer) {
  ReaderOf(range).Read(range, buffer.data());
}

AlignedBuffer StreamReader::TakeBuffer(std::span<const std::byte> range) {
  const size_t bytes = FileReader::RoomFor(range);
  {
    const std::scoped_lock lock(mutex_);
    // The last given back is the likeliest to be in a cache still.
    const auto it =
        std::find_if(free_.rbegin(), free_.rend(), [&](const AlignedBuffer& b) { return b.size() >= bytes; });
    if (it != free_.rend()) {
      AlignedBuffer buffer = std::move(*it);
      free_.erase(std::prev(it.base()));
      return buffer;
    }
  }
  return AlignedBuffer(AlignUp(bytes, kBufferStep));
}

void StreamReader::GiveBack(AlignedBuffer buffer) {
  const std::scoped_lock lock(mutex_);
  free_.push_back(std::move(buffer));
}

StreamReader::Piece StreamReader::MakePiece(std::span<const std::byte> range, std::span<const std::byte> held,
                                            AlignedBuffer buffer) {
  const std::byte* data = buffer.data() + FileReader::Lead(held) + (range.data() - held.data());
  return {*this, std::move(buffer), data};
}

}  // namespace spate
