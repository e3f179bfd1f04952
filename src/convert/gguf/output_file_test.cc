#include "convert/gguf/output_file.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "convert/gguf/folder_for_test.h"
#include "convert/gguf/output_path.h"

namespace spate {
namespace {

namespace fs = std::filesystem;

int Write(OutputFile* file, int64_t offset, std::string_view text) {
  return file->WriteAt(offset, std::as_bytes(std::span(text)));
}

TEST(OutputFile, AppearsWhole) {
  const FolderForTest folder;
  const fs::path path = folder / "model.gguf";
  PutFile(path, "before");
  {
    OutputFile file(path, 8);
    EXPECT_EQ(Write(&file, 5, "xyz"), 0);
    EXPECT_EQ(Write(&file, 0, "ab"), 0);
    EXPECT_EQ(ContentOf(path), "before");
    file.Commit();
  }
  EXPECT_EQ(ContentOf(path), std::string("ab\0\0\0xyz", 8));
  EXPECT_EQ(CountFiles(folder), 1u);
  PutFile(folder / "other", "");
  EXPECT_EQ(fs::status(path).permissions(), fs::status(folder / "other").permissions());
}

TEST(OutputFile, LeavesNothingBehindWhenItIsGivenUp) {
  const FolderForTest folder;
  const fs::path path = folder / "model.gguf";
  {
    OutputFile file(path, 8);
    EXPECT_TRUE(fs::exists(file.path()));
    EXPECT_EQ(Write(&file, 0, "ab"), 0);
  }
  EXPECT_EQ(CountFiles(folder), 0u);
}

TEST(OutputFile, TwoOfOneNameDoNotMeet) {
  const FolderForTest folder;
  OutputFile a(folder / "x", 1), b(folder / "x", 1);
  EXPECT_NE(a.path(), b.path());
  EXPECT_EQ(Write(&a, 0, "a"), 0);
  EXPECT_EQ(Write(&b, 0, "b"), 0);
  b.Commit();
  a.Commit();
  EXPECT_EQ(ContentOf(folder / "x"), "a");
}

TEST(OutputFile, SaysWhatIsMissing) {
  const FolderForTest folder;
  const auto message = [](ErrorCode code, const fs::path& path, int64_t bytes) {
    return MessageOf(code, [&] { OutputFile file(path, bytes); });
  };
  EXPECT_NE(message(ErrorCode::kEnvironment, folder / "none" / "model.gguf", 8).find("No such file"),
            std::string::npos);
  const std::string full = message(ErrorCode::kDoesNotFit, folder / "model.gguf", int64_t{1} << 62);
  EXPECT_NE(full.find("needs 4611686018427.4 MB, the disk has "), std::string::npos) << full;
  EXPECT_EQ(CountFiles(folder), 0u);
}

TEST(CheckOutput, KeepsToFreePlaces) {
  const FolderForTest folder;
  const fs::path& here = folder.path();
  fs::create_directory(here / "model");
  for (const char* name : {"config.json", "model.safetensors", "old.gguf"}) PutFile(here / "model" / name, "{}");
  const auto message = [&](const fs::path& output, const fs::path& model, bool replace) {
    return MessageOf(ErrorCode::kUsage, [&] { CheckOutput(output, model, replace); });
  };
  const fs::path model = here / "model";
  EXPECT_EQ(message(here / "new.gguf", model, false), "accepted");
  EXPECT_EQ(message(model / "new.gguf", model, false), "accepted");
  EXPECT_NE(message(model, model, true).find("a folder"), std::string::npos);
  EXPECT_NE(message("/dev/null", model, true).find("no regular file"), std::string::npos);
  EXPECT_NE(message(model / "old.gguf", model, false).find("exists; --force"), std::string::npos);
  EXPECT_EQ(message(model / "old.gguf", model, true), "accepted");
  EXPECT_NE(message(model / "model.safetensors", model, true).find("part of the model"), std::string::npos);
  EXPECT_NE(message(model / ".." / "model" / "config.json", model, true).find("part of the model"), std::string::npos);

  // A model that is a file, whole or in parts.
  const fs::path parts = here / "parts";
  fs::create_directory(parts);
  for (const char* name : {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf", "n-00002-of-00002.gguf"}) {
    PutFile(parts / name, "GGUF");
  }
  const fs::path first = parts / "m-00001-of-00002.gguf";
  EXPECT_NE(message(first, first, true).find("part of the model"), std::string::npos);
  EXPECT_NE(message(parts / "m-00002-of-00002.gguf", first, true).find("part of the model"), std::string::npos);
  EXPECT_EQ(message(parts / "n-00002-of-00002.gguf", first, true), "accepted");
}

}  // namespace
}  // namespace spate
