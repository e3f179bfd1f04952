// The wire format of Protocol Buffers, read field by field from bytes that may be hostile: every length is checked
// against what is there. Views into the bytes, which must outlive it; one thread.
//
//   ProtobufReader message(bytes, "tokenizer.model");
//   while (message.Next()) {
//     if (message.field() == 1) name = message.Bytes();
//   }
#pragma once

#include <fmt/format.h>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace spate {

class ProtobufReader {
 public:
  // `what` names the source in messages.
  ProtobufReader(std::string_view bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  // Goes to the next field. False at the end. Throws Error(kBadInput) for bytes that are no field.
  bool Next();

  uint32_t field() const { return field_; }  // its number

  // The current field's value. Throws Error(kBadInput) if it has another wire type.
  std::string_view Bytes() const;  // of a string, bytes or message
  int64_t Int() const;             // of an integer or enumerator, sign included
  bool Bool() const { return Int() != 0; }
  float Float() const;

 private:
  enum class Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  template <typename... Args>
  [[noreturn]] void Fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorCode::kBadInput, "{}: not a protobuf message, byte {}: {}", what_, at_,
                fmt::format(format, std::forward<Args>(args)...));
  }
  uint64_t Varint();
  std::string_view Take(uint64_t count);
  void Expect(Wire wire) const;

  std::string_view bytes_;
  std::string_view what_;
  size_t at_ = 0;
  uint32_t field_ = 0;
  Wire wire_ = Wire::kVarint;
  uint64_t number_ = 0;     // kVarint
  std::string_view value_;  // the others
};

}  // namespace spate
