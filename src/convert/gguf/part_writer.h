// PartWriter: computes the tensors of a file out of a model's slots and writes them: some rows at a time, on all
// threads, so that memory stays at a few megabytes a thread whatever a tensor's size. One caller at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "convert/gguf/gguf_layout.h"
#include "convert/gguf/output_file.h"
#include "tensor/view.h"

namespace spate {

// Called now and then with bytes written so far and in total. False: stop.
using WriteProgress = std::function<bool(int64_t done, int64_t total)>;

class PartWriter {
 public:
  // `file` outlives the writer.
  PartWriter(OutputFile& file, int threads, int64_t total_bytes, WriteProgress progress);

  // The part's rows are those rows of `source`, whose views follow each other, that `rows` names.
  // Throws Error: kBadInput for values that the format cannot hold, kEnvironment for a failed write, kInterrupted.
  void WriteRows(const GgufPart& part, std::span<const MatrixView> source, std::span<const int64_t> rows,
                 int64_t offset);
  // A tensor in F32. Throws likewise.
  void WriteValues(const GgufPart& part, std::span<const float> values, int64_t offset);

 private:
  struct Scratch {
    AlignedBuffer staged;  // rows of the source, unpacked or as they are
    AlignedBuffer packed;
  };

  void CheckWritten(const GgufPart& part, bool fits, int write_error) const;
  void Report(int64_t bytes);

  OutputFile& file_;
  ThreadPool pool_;
  int64_t total_ = 0;
  int64_t done_ = 0;
  WriteProgress progress_;
  std::vector<Scratch> scratch_;  // [threads]
};

// All values of some rows one behind the other, as f32.
std::vector<float> ValuesOf(std::span<const MatrixView> rows);

}  // namespace spate
