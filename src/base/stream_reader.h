// StreamReader: ranges of mapped files for a single pass. A range comes in a buffer that goes round, so that no page of
// a file is mapped and memory does not grow; or as it is mapped, and its pages are given back behind the pass. What is
// planned is read ahead from the disk while the caller works on what came before. A plan only makes it faster: any
// range may be read at any time.
// Thread-safe but for Plan. The files must outlive the reader, and the reader its pieces.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/file_reader.h"
#include "base/mmap_file.h"

namespace spate {

enum class ReadMode : unsigned char {
  kBuffers,  // around the page cache where that is faster (base/file_reader.h)
  kMapped    // through the page cache, which then holds the files for the next start
};

class StreamReader {
 public:
  // A range's bytes, in memory until it is destroyed.
  class Piece {
   public:
    Piece() = default;
    Piece(Piece&& other) noexcept { *this = std::move(other); }
    Piece& operator=(Piece&& other) noexcept;
    ~Piece();
    const std::byte* data() const { return data_; }

   private:
    friend class StreamReader;
    Piece(StreamReader& reader, AlignedBuffer buffer, const std::byte* data)
        : reader_(&reader), buffer_(std::move(buffer)), data_(data) {}
    Piece(StreamReader& reader, std::span<const std::byte> mapped)
        : reader_(&reader), data_(mapped.data()), mapped_bytes_(mapped.size()) {}

    StreamReader* reader_ = nullptr;
    AlignedBuffer buffer_;
    const std::byte* data_ = nullptr;
    size_t mapped_bytes_ = 0;  // 0: it lies in the buffer
  };

  explicit StreamReader(std::span<const MmapFile> files);
  ~StreamReader();
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;

  // The ranges that will be read, in that order, about 2 MiB each, and how they and all others are; replaces the plan
  // before it. Nobody reads meanwhile. Without a plan ranges come in buffers.
  void Plan(std::span<const std::span<const std::byte>> ranges, ReadMode mode = ReadMode::kBuffers);

  // `range` lies within one of the files. Waits for the disk. A failed read gives zeros: ThrowIfFailed says so.
  Piece Read(std::span<const std::byte> range) noexcept;
  void ThrowIfFailed() const;  // Error(kEnvironment)

 private:
  enum class State : unsigned char { kPlanned, kReading, kReady, kGone };
  struct Ahead {
    std::span<const std::byte> range;
    State state = State::kPlanned;
    AlignedBuffer buffer;
  };

  void ReadAhead(const std::stop_token& stop);
  void FetchAhead(std::span<const std::byte> range);  // of a mapped pass that has come to `range`
  void StopReading();
  Ahead* Find(std::span<const std::byte> range);  // what holds all of it, or null; mutex_ is held
  void DropPassed(size_t taken);                  // mutex_ is held
  size_t FileOf(std::span<const std::byte> range) const;
  FileReader& ReaderOf(std::span<const std::byte> range) const { return *readers_[FileOf(range)]; }
  void Fill(std::span<const std::byte> range, AlignedBuffer& buffer);
  AlignedBuffer TakeBuffer(std::span<const std::byte> range);
  void GiveBack(AlignedBuffer buffer);
  Piece MakePiece(std::span<const std::byte> range, std::span<const std::byte> held, AlignedBuffer buffer);

  std::span<const MmapFile> files_;
  std::vector<std::unique_ptr<FileReader>> readers_;  // of files_
  ReadMode mode_ = ReadMode::kBuffers;

  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::vector<Ahead> plan_;
  std::vector<size_t> by_address_;  // indices into plan_
  size_t next_ = 0;                 // the first that nobody has begun to read or, mapped, to fetch
  size_t oldest_ = 0;               // all before it are gone
  int held_ = 0;                    // being read or ready
  std::vector<AlignedBuffer> free_;

  std::vector<std::jthread> threads_;
};

}  // namespace spate
