#include "checkpoint/protobuf_reader.h"

#include <bit>
#include <cstring>

namespace spate {

uint64_t ProtobufReader::Varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ == bytes_.size()) Fail("a number is cut off");
    const uint64_t byte = static_cast<unsigned char>(bytes_[at_++]);
    if (shift == 63 && byte > 1) break;
    value |= (byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  Fail("a number has more than 64 bits");
}

std::string_view ProtobufReader::Take(uint64_t count) {
  if (count > bytes_.size() - at_) Fail("field {} has {} bytes, {} are left", field_, count, bytes_.size() - at_);
  const std::string_view taken = bytes_.substr(at_, static_cast<size_t>(count));
  at_ += taken.size();
  return taken;
}

bool ProtobufReader::Next() {
  if (at_ == bytes_.size()) return false;
  const uint64_t tag = Varint();
  if (tag >> 3 == 0 || tag >> 3 > 536870911) Fail("field number {}", tag >> 3);  // the format's limit, 2^29 - 1
  field_ = static_cast<uint32_t>(tag >> 3);
  wire_ = static_cast<Wire>(tag & 7);
  switch (wire_) {
    case Wire::kVarint:
      number_ = Varint();
      return true;
    case Wire::kFixed64:
      value_ = Take(8);
      return true;
    case Wire::kBytes:
      value_ = Take(Varint());
      return true;
    case Wire::kFixed32:
      value_ = Take(4);
      return true;
  }
  Fail("field {} has wire type {}", field_, tag & 7);
}

void ProtobufReader::Expect(Wire wire) const {
  if (wire_ == wire) return;
  Fail("field {} has wire type {}, expected {}", field_, static_cast<uint32_t>(wire_), static_cast<uint32_t>(wire));
}

std::string_view ProtobufReader::Bytes() const {
  Expect(Wire::kBytes);
  return value_;
}

int64_t ProtobufReader::Int() const {
  Expect(Wire::kVarint);
  return static_cast<int64_t>(number_);
}

float ProtobufReader::Float() const {
  Expect(Wire::kFixed32);
  static_assert(std::endian::native == std::endian::little);
  float value;
  std::memcpy(&value, value_.data(), sizeof(value));
  return value;
}

}  // namespace spate
