#include "checkpoint/torch_file.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "checkpoint/test_files.h"
#include "checkpoint/torch_checkpoint.h"

namespace spate {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

// A zip file of stored members, as plain as can be; `wide` uses every 64-bit form there is.
std::string Zip(const std::vector<std::pair<std::string, std::string>>& members, bool wide = false, int method = 0) {
  const auto number = [](uint64_t value, size_t bytes) {
    return std::string(reinterpret_cast<const char*>(&value), bytes);
  };
  std::string file, directory;
  for (const auto& [name, data] : members) {
    const uint64_t offset = file.size();
    file += "PK\3\4" + std::string(22, '\0') + number(name.size(), 2) + number(0, 2) + name + data;
    const std::string extra = wide ? number(0xcafe, 2) + number(1, 2) + "x" + number(1, 2) + number(24, 2) +
                                         number(data.size(), 8) + number(data.size(), 8) + number(offset, 8)
                                   : "";
    const uint64_t narrow = 0xffffffff;
    directory += "PK\1\2" + std::string(6, '\0') + number(static_cast<uint64_t>(method), 2) + std::string(8, '\0') +
                 number(wide ? narrow : data.size(), 4) + number(wide ? narrow : data.size(), 4) +
                 number(name.size(), 2) + number(extra.size(), 2) + std::string(10, '\0') +
                 number(wide ? narrow : offset, 4) + name + extra;
  }
  const uint64_t start = file.size(), count = members.size();
  file += directory;
  if (wide) {
    const uint64_t end64 = file.size();
    file += "PK\6\6" + number(44, 8) + std::string(12, '\0') + number(count, 8) + number(count, 8) +
            number(directory.size(), 8) + number(start, 8);
    file += "PK\6\7" + number(0, 4) + number(end64, 8) + number(1, 4);
  }
  file += "PK\5\6" + number(0, 4) + number(wide ? 0xffff : count, 2) + number(wide ? 0xffff : count, 2) +
          number(wide ? 0xffffffff : directory.size(), 4) + number(wide ? 0xffffffff : start, 4) + number(0, 2);
  return file;
}

// data.pkl of {"w": a float tensor}, with the offset, size and stride given as pickled values.
std::string TensorPickle(const std::string& offset, const std::string& size, const std::string& stride,
                         const std::string& elements = "K\x06") {
  const auto text = [](const std::string& s) {
    return "X" + std::string(1, static_cast<char>(s.size())) + std::string(3, '\0') + s;
  };
  return "\x80\x02}" + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") +
         "ctorch\nFloatStorage\n" + text("0") + text("cpu") + elements + "tQ" + offset + size + stride + "\x89" +
         "ccollections\nOrderedDict\n)RtRs.";
}
const std::string kTwoByThree = "K\x02K\x03\x86";
const std::string kThreeOne = "K\x03K\x01\x86";

FileTensors Parse(const std::string& file) {
  return ParseTorchFile({reinterpret_cast<const std::byte*>(file.data()), file.size()}, "x.bin");
}
std::string Message(const std::string& file) {
  return BadInputMessage([&] { Parse(file); });
}
std::string PickleMessage(const std::string& pickle, size_t bytes = 24) {
  return Message(Zip({{"a/data.pkl", pickle}, {"a/data/0", std::string(bytes, 'x')}}));
}
#define EXPECT_HAS(message, part) EXPECT_NE((message).find(part), std::string::npos) << (message)

// A folder with `file` of tests/formats as its pytorch_model.bin or model.safetensors.
std::unique_ptr<Checkpoint> OpenAs(const TemporaryFolder& folder, const fs::path& file, const std::string& name) {
  fs::copy_file(FormatFiles() / file, folder.path() / name, fs::copy_options::overwrite_existing);
  return name.ends_with("bin") ? OpenTorchFolder(folder.path()) : OpenCheckpoint(folder.path());
}

class TorchSave : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(TorchSave, HoldsWhatSafetensorsHolds) {
  const TemporaryFolder folder;
  const auto got = OpenAs(folder, fs::path("torch_save") / GetParam().first, "pytorch_model.bin");
  const auto want = OpenAs(folder, fs::path("torch_save") / GetParam().second, "model.safetensors");
  ExpectSameTensors(*got, *want);
}

INSTANTIATE_TEST_SUITE_P(Files, TorchSave,
                         ::testing::Values(std::pair{"dtypes.bin", "dtypes.safetensors"},
                                           std::pair{"protocol4.bin", "dtypes.safetensors"},
                                           std::pair{"views.bin", "views.safetensors"},
                                           std::pair{"nested.bin", "nested.safetensors"}));

TEST(TorchFile, ContiguousTensorsAreReadInPlace) {
  const std::string file = ReadBytes(FormatFiles() / "torch_save" / "views.bin");
  const FileTensors parsed = Parse(file);
  for (const char* name : {"whole", "rows", "parameter", "one_row"}) {
    const TensorView& view = parsed.tensors.at(name);
    EXPECT_EQ(view.maker, nullptr) << name;
    EXPECT_GE(reinterpret_cast<const char*>(view.bytes.data()), file.data());
    EXPECT_LE(reinterpret_cast<const char*>(view.bytes.data() + view.bytes.size()), file.data() + file.size());
  }
  EXPECT_NE(parsed.tensors.at("transposed").maker, nullptr);
}

TEST(TorchFile, ReadsZipInBothWidths) {
  const std::string pickle = TensorPickle("K\x00"s, kTwoByThree, kThreeOne);
  for (const bool wide : {false, true}) {
    const std::string file = Zip({{"a/data.pkl", pickle}, {"a/data/0", "abcdefghijklmnopqrstuvwx"}}, wide);
    const FileTensors parsed = Parse(file);
    const TensorView& view = parsed.tensors.at("w");
    EXPECT_EQ(view.shape, (Shape{2, 3}));
    if (view.maker == nullptr) {
      EXPECT_EQ(std::memcmp(view.bytes.data(), "abcdefghijklmnopqrstuvwx", 24), 0);
    } else {
      EXPECT_EQ(std::memcmp(LoadRows(AsMatrix(view), 1, 1).rows.data, "mnopqrstuvwx", 12), 0);
    }
  }
}

TEST(TorchFile, RefusesWhatIsNoTensorFile) {
  EXPECT_HAS(Message(ReadBytes(FormatFiles() / "torch_save" / "legacy.bin")), "before 1.6");
  EXPECT_HAS(Message(std::string(257, 'x') + "ustar" + std::string(300, 'x')), "before 1.6");
  EXPECT_HAS(Message("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull");
  EXPECT_HAS(Message("PK"), "expected a zip file");
  const std::string good =
      Zip({{"a/data.pkl", TensorPickle("K\x00"s, kTwoByThree, kThreeOne)}, {"a/data/0", std::string(24, 'x')}});
  EXPECT_EQ(Message(good), "accepted");
  EXPECT_HAS(Message(good.substr(0, good.size() - 1)), "truncated");
  EXPECT_HAS(Message(Zip({{"a/x", "y"}})), "without data.pkl");
  EXPECT_HAS(Message(Zip({{"a/data.pkl", "x"}, {"b/data.pkl", "x"}})), "two data.pkl");
  EXPECT_HAS(Message(Zip({{"a/data.pkl", "x"}, {"a/data.pkl", "x"}})), "two members");
  EXPECT_HAS(Message(Zip({{"a/data.pkl", "x"}}, false, 8)), "compressed");
  EXPECT_HAS(Message(Zip({{"a/data.pkl", "x"}, {"a/byteorder", "big"}})), "big-endian");
}

TEST(TorchFile, RunsNoCode) {
  EXPECT_HAS(PickleMessage("\x80\x02"
                           "cos\nsystem\nX\x02" +
                           "\0\0\0ls\x85R."s),
             "names os.system, which would run code");
  EXPECT_HAS(PickleMessage("\x80\x02"
                           "ctorch.storage\n_load_from_bytes\n."),
             "torch.storage._load_from_bytes");
  EXPECT_HAS(PickleMessage("\x80\x02"
                           "ctorch.storage\nUntypedStorage\n."),
             "torch.storage.UntypedStorage");
  EXPECT_HAS(PickleMessage("\x80\x04\x8c\x08"
                           "builtins\x8c\x04"
                           "eval\x93."),
             "builtins.eval");
  EXPECT_HAS(PickleMessage("\x80\x02"
                           "cos\r\nsystem\n."),
             "would run code");
  EXPECT_HAS(PickleMessage("\x80\x02(ios\nsystem\n."), "would run code");
  EXPECT_HAS(PickleMessage("\x80\x02"
                           "ccollections\nOrderedDict\n)\x81."),
             "would run code");
  EXPECT_HAS(PickleMessage("\x80\x02]}b."), "would run code");
  EXPECT_HAS(PickleMessage("\x80\x02K\x01K\x02\x85R."), "no function");
}

TEST(TorchFile, RefusesBadPickles) {
  EXPECT_HAS(PickleMessage(""), "1 more bytes expected");
  EXPECT_HAS(PickleMessage("\x80\x01."), "protocol 1");
  EXPECT_HAS(PickleMessage("\x80\x02."), "missing on the stack");
  EXPECT_HAS(PickleMessage("\x80\x02t."), "a mark is missing");
  EXPECT_HAS(PickleMessage("\x80\x02"
                           "h\x07."),
             "memo 7 was never set");
  EXPECT_HAS(PickleMessage("\x80\x02}(K\x01u."), "without a value");
  EXPECT_HAS(PickleMessage("\x80\x02K\x01K\x02"
                           "a."),
             "expected a list");
  EXPECT_HAS(PickleMessage("\x80\x02" + std::string(100, '(')), "64 deep");
  EXPECT_HAS(PickleMessage("\x80\x02" + std::string(10'000, 'N')), "more than 8817 values on the stack");
  std::string popped = "\x80\x02";
  for (int i = 0; i <= 1 << 20; ++i) popped += "N0";
  EXPECT_HAS(PickleMessage(popped), "more than 1048576 values");
  EXPECT_HAS(PickleMessage("\x80\x02I1\n."), "opcode 0x49");
  EXPECT_HAS(PickleMessage("\x80\x02X\x01\0\0\0\xff."s), "UTF-8");
  EXPECT_HAS(PickleMessage("\x80\x02}."), "no dict of tensors");
  EXPECT_HAS(PickleMessage("\x80\x02}q\x01X\x01\0\0\0ah\x01s."s), "no dict of tensors");  // a dict within itself
}

TEST(TorchFile, ChecksEverySizeBeforeItIsUsed) {
  const std::string zero("K\x00", 2), huge = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", one = "K\x01";
  const auto pair = [](const std::string& a, const std::string& b) { return a + b + "\x86"; };
  EXPECT_HAS(PickleMessage(TensorPickle(one, kTwoByThree, kThreeOne)), "leaves its storage of 6 elements");
  EXPECT_HAS(PickleMessage(TensorPickle(huge, kTwoByThree, kThreeOne)), "overflow");
  EXPECT_HAS(PickleMessage(TensorPickle(zero, pair(huge, huge), kThreeOne)), "overflow");
  EXPECT_HAS(PickleMessage(TensorPickle(zero, kTwoByThree, pair(huge, huge))), "overflow");
  EXPECT_HAS(PickleMessage(TensorPickle(zero, pair(huge, zero), pair(huge, huge))), "overflow");
  EXPECT_HAS(PickleMessage(TensorPickle(zero, pair("K\x07", one), pair(zero, zero))), "repeats them");
  EXPECT_HAS(PickleMessage(TensorPickle("J\xff\xff\xff\xff", kTwoByThree, kThreeOne)), "storage_offset");
  EXPECT_HAS(PickleMessage(TensorPickle(zero, pair("J\xff\xff\xff\xff", one), kThreeOne)), "size");
  EXPECT_HAS(PickleMessage(TensorPickle(zero, kTwoByThree, "K\x01\x85")), "2 sizes, 1 strides");
  EXPECT_HAS(PickleMessage(TensorPickle(zero, "(" + std::string(9 * 2, 'K') + "t", kThreeOne)), "at most 8");
  EXPECT_HAS(PickleMessage(TensorPickle(zero, kTwoByThree, kThreeOne, "K\x07")), "which has 24 bytes");
  EXPECT_HAS(PickleMessage(TensorPickle(zero, kTwoByThree, kThreeOne, huge)), "which has 24 bytes");
  EXPECT_HAS(PickleMessage(TensorPickle(zero, "K\x01K\x02K\x02\x87", "K\x04K\x01K\x02\x87")), ".contiguous()");
  EXPECT_HAS(Message(Zip({{"a/data.pkl", TensorPickle(zero, kTwoByThree, kThreeOne)}})), "are not in the file");
}

TEST(TorchFile, SurvivesMutations) {
  for (const char* name : {"dtypes.bin", "protocol4.bin", "views.bin", "nested.bin"}) {
    ExpectSurvivesMutations(ReadBytes(FormatFiles() / "torch_save" / name), 1000, [](const std::string& file) {
      const std::vector<char> exact(file.begin(), file.end());  // nothing readable behind the end
      const FileTensors parsed = ParseTorchFile(std::as_bytes(std::span(exact)), "x.bin");
      int sum = 0;
      for (const auto& [tensor, view] : parsed.tensors) {
        for (const std::byte b : view.bytes) sum += std::to_integer<int>(b);
        if (view.maker == nullptr || view.shape.empty() || view.shape.size() > 2) continue;
        sum += std::to_integer<int>(LoadRows(AsMatrix(view), 0, AsMatrix(view).rows).rows.data[0]);
      }
      EXPECT_GE(sum, 0);
    });
  }
}

TEST(TorchFolder, ReadsShards) {
  const fs::path folder = FormatFiles() / "torch";
  EXPECT_TRUE(IsTorchFolder(folder));
  EXPECT_FALSE(IsTorchFolder(FormatFiles() / "safetensors"));
  ExpectSameTensors(*OpenTorchFolder(folder), *OpenCheckpoint(FormatFiles() / "safetensors"));
}

TEST(TorchFolder, FollowsPlainNamesOnly) {
  const TemporaryFolder folder;
  WriteBytes(folder.path() / "pytorch_model.bin.index.json", R"({"weight_map":{"a":"../x.bin"}})");
  EXPECT_HAS(BadInputMessage([&] { OpenTorchFolder(folder.path()); }), "only plain file names");
  WriteBytes(folder.path() / "pytorch_model.bin.index.json", R"({"weight_map":{"a":"x.bin"}})");
  EXPECT_HAS(BadInputMessage([&] { OpenTorchFolder(folder.path()); }), "no such file");
  fs::copy_file(FormatFiles() / "torch_save" / "nested.bin", folder.path() / "x.bin");
  EXPECT_HAS(BadInputMessage([&] { OpenTorchFolder(folder.path()); }), "a (in x.bin)");
}

}  // namespace
}  // namespace spate
