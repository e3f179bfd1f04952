#include "base/npy.h"

#include <fmt/format.h>

#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "base/check.h"
#include "base/error.h"
#include "base/math_util.h"
#include "base/mmap_file.h"
#include "base/utf8.h"

namespace spate {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as they are");

constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8);  // with version 1.0
constexpr size_t kPreamble = 10;                            // magic, version, header length (u16)
constexpr size_t kMaxDims = 8;

std::string Header(std::string_view descr, std::span<const int64_t> shape) {
  std::string dims;
  for (const int64_t dim : shape) dims += fmt::format("{}, ", dim);
  if (shape.size() > 1) dims.resize(dims.size() - 2);  // "(3, 4)"; a single one keeps its comma: "(3, )"
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, dims);
  const size_t total = AlignUp(kPreamble + header.size() + 1, 64);  // NumPy aligns the values to 64 bytes
  header.append(total - kPreamble - header.size() - 1, ' ');
  header.push_back('\n');
  return header;
}

void WriteFile(const std::string& path, std::string_view descr, std::span<const int64_t> shape,
               std::span<const std::byte> values) {
  const std::string header = Header(descr, shape);
  const uint16_t header_bytes = Narrow<uint16_t>(header.size());
  std::FILE* file = std::fopen(path.c_str(), "wbe");
  if (file == nullptr) {
    throw Error(ErrorCode::kEnvironment, "{}: cannot create: {}", OneLine(path, 4096), std::strerror(errno));
  }
  bool ok = std::fwrite(kMagic.data(), 1, kMagic.size(), file) == kMagic.size();
  ok = ok && std::fwrite(&header_bytes, sizeof(header_bytes), 1, file) == 1;
  ok = ok && std::fwrite(header.data(), 1, header.size(), file) == header.size();
  if (!values.empty()) ok = ok && std::fwrite(values.data(), 1, values.size(), file) == values.size();
  int error = ok ? 0 : errno;
  if (std::fclose(file) != 0 && ok) {
    ok = false;
    error = errno;
  }
  if (!ok) {
    std::error_code ignored;  // a partial file goes; a device or a pipe stays where it is
    if (std::filesystem::is_regular_file(path, ignored)) std::filesystem::remove(path, ignored);
    throw Error(ErrorCode::kEnvironment, "{}: cannot write {} bytes: {}", OneLine(path, 4096), values.size(),
                std::strerror(error));
  }
}

// The header is a Python dictionary of three keys. This reads just that, front to back.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::string_view what) : rest_(text), what_(what) {}

  struct Fields {
    std::optional<std::string_view> descr;
    std::optional<bool> fortran_order;
    std::optional<std::vector<int64_t>> shape;
  };

  Fields Parse() {
    Fields fields;
    Expect('{');
    while (!Take('}')) {
      const std::string_view key = Quoted();
      Expect(':');
      if (key == "descr" && !fields.descr) {
        fields.descr = Quoted();
      } else if (key == "fortran_order" && !fields.fortran_order) {
        fields.fortran_order = Bool();
      } else if (key == "shape" && !fields.shape) {
        fields.shape = Shape();
      } else {
        Fail(fmt::format("unexpected or repeated key '{}'", OneLine(key, 40)));
      }
      if (!Take(',')) {
        Expect('}');
        break;
      }
    }
    Blank();
    if (!rest_.empty()) Fail("text behind the dictionary");
    if (!fields.descr || !fields.fortran_order || !fields.shape) {
      Fail("expected the keys descr, fortran_order and shape");
    }
    return fields;
  }

  [[noreturn]] void Fail(std::string_view reason) const {
    throw Error(ErrorCode::kBadInput, "{}: .npy header: {}", what_, reason);
  }

 private:
  void Blank() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
  }
  bool Take(char c) {
    Blank();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void Expect(char c) {
    if (!Take(c)) Fail(fmt::format("expected '{}' at \"{}\"", c, OneLine(rest_.substr(0, 20), 40)));
  }
  std::string_view Quoted() {
    Expect('\'');
    const size_t end = rest_.find('\'');
    if (end == std::string_view::npos) Fail("a string without its end");
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool Bool() {
    Blank();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}}) {
      if (rest_.starts_with(word)) {
        rest_.remove_prefix(word.size());
        return value;
      }
    }
    Fail("fortran_order: expected True or False");
  }
  std::vector<int64_t> Shape() {
    std::vector<int64_t> dims;
    Expect('(');
    while (!Take(')')) {
      Blank();
      int64_t dim = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), dim);
      if (error != std::errc() || dim < 0) Fail("shape: expected integers from 0 on");
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      dims.push_back(dim);
      if (dims.size() > kMaxDims) Fail(fmt::format("shape: more than {} dimensions", kMaxDims));
      if (!Take(',')) {
        Expect(')');
        break;
      }
    }
    return dims;
  }

  std::string_view rest_;
  std::string_view what_;
};

template <typename T>
std::vector<T> Values(std::span<const std::byte> bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

void CheckShape(std::span<const int64_t> shape, size_t values) {
  CHECK(shape.size() <= kMaxDims);
  CHECK(CheckedProduct(shape) == Narrow<int64_t>(values), "the shape does not hold {} values", values);
}

}  // namespace

const std::vector<float>& NpyArray::Floats(std::string_view what) const {
  if (const auto* floats = std::get_if<std::vector<float>>(&values)) return *floats;
  throw Error(ErrorCode::kBadInput, "{}: expected float32 values, got int32", what);
}

const std::vector<int32_t>& NpyArray::Ints(std::string_view what) const {
  if (const auto* ints = std::get_if<std::vector<int32_t>>(&values)) return *ints;
  throw Error(ErrorCode::kBadInput, "{}: expected int32 values, got float32", what);
}

void WriteNpy(const std::string& path, std::span<const int64_t> shape, std::span<const float> values) {
  CheckShape(shape, values.size());
  WriteFile(path, "<f4", shape, std::as_bytes(values));
}

void WriteNpy(const std::string& path, std::span<const int64_t> shape, std::span<const int32_t> values) {
  CheckShape(shape, values.size());
  WriteFile(path, "<i4", shape, std::as_bytes(values));
}

NpyArray ParseNpy(std::span<const std::byte> bytes, std::string_view what) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.size() < kPreamble || !text.starts_with(kMagic)) {
    throw Error(ErrorCode::kBadInput, "{}: expected a .npy file of format 1.0", what);
  }
  uint16_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data() + 8, sizeof(header_bytes));
  if (header_bytes > bytes.size() - kPreamble) {
    throw Error(ErrorCode::kBadInput, "{}: the .npy header has {} bytes, the file only {}", what, header_bytes,
                bytes.size() - kPreamble);
  }
  HeaderParser parser(text.substr(kPreamble, header_bytes), what);
  HeaderParser::Fields fields = parser.Parse();
  if (*fields.descr != "<f4" && *fields.descr != "<i4") {
    parser.Fail(fmt::format("expected values of type <f4 or <i4, got '{}'", OneLine(*fields.descr, 40)));
  }
  if (*fields.fortran_order && fields.shape->size() > 1) parser.Fail("expected C order, got Fortran order");

  const std::span<const std::byte> values = bytes.subspan(kPreamble + header_bytes);
  const std::optional<int64_t> count = CheckedProduct(*fields.shape);
  const std::optional<int64_t> want = count ? CheckedMul(*count, 4) : std::nullopt;
  if (!want || static_cast<uint64_t>(*want) != values.size()) {
    parser.Fail(fmt::format("the shape needs {} bytes, the file has {}",
                            want ? std::to_string(*want) : "more than 2^63", values.size()));
  }
  NpyArray array;
  array.shape = *std::move(fields.shape);
  if (*fields.descr == "<f4") {
    array.values = Values<float>(values);
  } else {
    array.values = Values<int32_t>(values);
  }
  return array;
}

NpyArray ReadNpy(const std::string& path) {
  const MmapFile file = MmapFile::Open(path);
  return ParseNpy(file.bytes(), path);
}

}  // namespace spate
