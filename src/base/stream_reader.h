// StreamReader: ranges of mapped files for a single pass. A range comes in a buffer that goes round, so that no page of
// a file is mapped and memory does not grow; and what is planned is read ahead from the disk while the caller works on
// what came before. A plan only makes it faster: any range may be read at any time.
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

    StreamReader* reader_ = nullptr;
    AlignedBuffer buffer_;
    const std::byte* data_ = nullptr;
  };

  explicit StreamReader(std::span<const MmapFile> files);
  ~StreamReader();
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;

  // The ranges that will be read, in that order, about 2 MiB each; replaces the plan before it. Nobody reads meanwhile.
  void Plan(std::span<const std::span<const std::byte>> ranges);

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
  void StopReading();
  Ahead* Find(std::span<const std::byte> range);  // what holds all of it, or null; mutex_ is held
  void DropPassed(size_t taken);                  // mutex_ is held
  FileReader& ReaderOf(std::span<const std::byte> range) const;
  void Fill(std::span<const std::byte> range, AlignedBuffer& buffer);
  AlignedBuffer TakeBuffer(std::span<const std::byte> range);
  void GiveBack(AlignedBuffer buffer);
  Piece MakePiece(std::span<const std::byte> range, std::span<const std::byte> held, AlignedBuffer buffer);

  std::span<const MmapFile> files_;
  std::vector<std::unique_ptr<FileReader>> readers_;  // of files_

  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::vector<Ahead> plan_;
  std::vector<size_t> by_address_;  // indices into plan_
  size_t next_ = 0;                 // the first that nobody has begun to read
  size_t oldest_ = 0;               // all before it are gone
  int held_ = 0;                    // being read or ready
  std::vector<AlignedBuffer> free_;

  std::vector<std::jthread> threads_;
};

}  // namespace spate
