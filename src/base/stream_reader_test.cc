#include "base/stream_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/error.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSize = 3'000'001;  // no multiple of a block

class StreamReaderTest : public testing::Test {
 protected:
  StreamReaderTest() {
    // Not in /tmp, which may lie in memory: these reads are to meet a disk where there is one.
    std::string pattern = (fs::current_path() / "spate_stream_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::minstd_rand random(7);
    for (int i = 0; i < 2; ++i) {
      std::string text(kSize, ' ');
      for (char& c : text) c = static_cast<char>(random());
      std::ofstream(folder_ / std::to_string(i), std::ios::binary) << text;
      files_.push_back(MmapFile::Open((folder_ / std::to_string(i)).string()));
    }
    DropFromCache();
  }
  ~StreamReaderTest() override {
    files_.clear();
    fs::remove_all(folder_);
  }

  void DropFromCache() const {
    for (const MmapFile& file : files_) {
      fsync(file.fd());
      posix_fadvise(file.fd(), 0, 0, POSIX_FADV_DONTNEED);
    }
  }
  std::span<const std::byte> Range(size_t file, size_t begin, size_t size) const {
    return files_[file].bytes().subspan(begin, size);
  }
  static void ExpectSame(StreamReader& reader, std::span<const std::byte> range) {
    const StreamReader::Piece piece = reader.Read(range);
    EXPECT_EQ(std::memcmp(piece.data(), range.data(), range.size()), 0)
        << range.size() << " bytes at " << static_cast<const void*>(range.data());
  }
  // Both files cut into pieces of `size`.
  std::vector<std::span<const std::byte>> Cut(size_t size) const {
    std::vector<std::span<const std::byte>> pieces;
    for (size_t file = 0; file < files_.size(); ++file) {
      for (size_t at = 0; at < kSize; at += size) pieces.push_back(Range(file, at, std::min(size, kSize - at)));
    }
    return pieces;
  }

  fs::path folder_;
  std::vector<MmapFile> files_;
};

TEST_F(StreamReaderTest, AnyRangeWithoutAPlan) {
  StreamReader reader(files_);
  for (const size_t begin : {size_t{0}, size_t{1}, size_t{4095}, size_t{4096}, size_t{4097}, kSize - 4097}) {
    for (const size_t size : {1, 2, 4095, 4096, 4097}) {
      DropFromCache();
      ExpectSame(reader, Range(0, begin, std::min(size, kSize - begin)));  // from the disk
      ExpectSame(reader, Range(0, begin, std::min(size, kSize - begin)));
      std::ifstream(folder_ / "0").read(std::string(8192, ' ').data(), 8192);
      ExpectSame(reader, Range(0, begin, std::min(size, kSize - begin)));  // perhaps from the page cache
    }
  }
  ExpectSame(reader, Range(1, 0, kSize));
  reader.ThrowIfFailed();
}

TEST_F(StreamReaderTest, PlannedPiecesInOrderFromSeveralThreads) {
  for (const size_t size : {size_t{100'000}, size_t{65'536}, size_t{2'999'999}}) {
    DropFromCache();
    StreamReader reader(files_);
    const std::vector<std::span<const std::byte>> pieces = Cut(size);
    reader.Plan(pieces);
    std::atomic<size_t> next{0};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        for (size_t i = next++; i < pieces.size(); i = next++) ExpectSame(reader, pieces[i]);
      });
    }
    threads.clear();
    reader.ThrowIfFailed();
  }
}

TEST_F(StreamReaderTest, WhatIsAskedForNeedNotFollowThePlan) {
  StreamReader reader(files_);
  const std::vector<std::span<const std::byte>> pieces = Cut(10'000);
  reader.Plan(pieces);
  std::minstd_rand random(3);
  for (int i = 0; i < 300; ++i) {
    const size_t begin = random() % kSize;
    const size_t size = 1 + random() % std::min<size_t>(30'000, kSize - begin);  // inside a piece or across two
    ExpectSame(reader, Range(random() % 2, begin, size));
  }
  // Pieces left out, then the rest in order: what was read ahead in vain does not block.
  reader.Plan(pieces);
  for (size_t i = 0; i < pieces.size(); i += 7) ExpectSame(reader, pieces[i]);
  // The same piece twice, in halves, and backwards.
  reader.Plan(pieces);
  for (size_t i = 40; i-- > 0;) {
    ExpectSame(reader, pieces[i].first(5'000));
    ExpectSame(reader, pieces[i].last(5'000));
    ExpectSame(reader, pieces[i]);
  }
}

TEST_F(StreamReaderTest, APlanNeedNotBeFollowedAtAll) {
  StreamReader reader(files_);
  reader.Plan(Cut(1'000));
  reader.Plan(Cut(2'000));
  reader.Plan({});
}

TEST_F(StreamReaderTest, MappedPiecesAreTheFilesOwnBytesAndGoWithThem) {
  StreamReader reader(files_);
  const std::vector<std::span<const std::byte>> pieces = Cut(100'000);
  reader.Plan(pieces, ReadMode::kMapped);
  for (const auto piece : pieces) {
    EXPECT_EQ(reader.Read(piece).data(), piece.data());
    ExpectSame(reader, piece);
  }
  EXPECT_EQ(reader.Read(Range(1, 17, 5)).data(), Range(1, 17, 5).data());  // planned or not
  reader.Plan(pieces);
  const StreamReader::Piece copy = reader.Read(pieces[3]);
  EXPECT_NE(copy.data(), pieces[3].data());
}

TEST_F(StreamReaderTest, PiecesOutliveLaterReads) {
  StreamReader reader(files_);
  std::vector<StreamReader::Piece> pieces;
  for (size_t i = 0; i < 20; ++i) pieces.push_back(reader.Read(Range(0, i * 1'000, 1'000)));
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(std::memcmp(pieces[i].data(), Range(0, i * 1'000, 1'000).data(), 1'000), 0);
}

TEST_F(StreamReaderTest, AFileThatBecameShorterIsAnErrorNotACrash) {
  StreamReader reader(files_);
  reader.ThrowIfFailed();
  fs::resize_file(folder_ / "1", 5'000);
  const StreamReader::Piece piece = reader.Read(Range(1, 2'000'000, 3));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(piece.data()[i], std::byte{0});
  try {
    reader.ThrowIfFailed();
    ADD_FAILURE() << "not noticed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kEnvironment);
    EXPECT_NE(std::string(error.what()).find("the file became shorter"), std::string::npos) << error.what();
  }
}

TEST_F(StreamReaderTest, ARangeOfNoFileIsABug) {
  StreamReader reader(files_);
  const std::byte other{};
  EXPECT_EXIT(reader.Read({&other, 1}), testing::ExitedWithCode(1), "a range of no file");
}

}  // namespace
}  // namespace spate
