// Integer arithmetic on sizes. Whatever comes from a file or a request goes through CheckedMul and
// CheckedAdd before it is used; Narrow is for values that the program itself guarantees.
// CeilDiv and AlignUp are `static`: kernels of several instruction sets use them (see base/half.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace spate {

// `a` at least 0, `b` above 0.
template <typename T>
[[maybe_unused]] static constexpr T CeilDiv(T a, std::type_identity_t<T> b) {
  static_assert(std::is_integral_v<T>);
  return static_cast<T>(a / b + (a % b != 0 ? 1 : 0));
}

// The smallest multiple of `unit` that is not below `a`. It must be representable.
template <typename T>
[[maybe_unused]] static constexpr T AlignUp(T a, std::type_identity_t<T> unit) {
  return static_cast<T>(CeilDiv(a, unit) * unit);
}

// nullopt when the result does not fit into T.
template <typename T>
constexpr std::optional<T> CheckedMul(T a, std::type_identity_t<T> b) {
  static_assert(std::is_integral_v<T>);
  T result;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

template <typename T>
constexpr std::optional<T> CheckedAdd(T a, std::type_identity_t<T> b) {
  static_assert(std::is_integral_v<T>);
  T result;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

// Product of a shape; nullopt on overflow or a negative dimension. A scalar's empty shape has 1.
constexpr std::optional<int64_t> CheckedProduct(std::span<const int64_t> dims) {
  int64_t product = 1;
  bool zero = false;
  for (const int64_t dim : dims) {
    if (dim < 0) return std::nullopt;
    zero = zero || dim == 0;
    if (!zero && __builtin_mul_overflow(product, dim, &product)) return std::nullopt;
  }
  return zero ? 0 : product;
}

// Integer conversion that CHECKs that the value survives it.
template <typename To, typename From>
constexpr To Narrow(From value) {
  static_assert(std::is_integral_v<To> && std::is_integral_v<From>);
  CHECK(std::in_range<To>(value), "{} does not fit into {} bits", value, 8 * sizeof(To));
  return static_cast<To>(value);
}

}  // namespace spate
