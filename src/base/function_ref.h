// FunctionRef<R(Args...)>: a reference to something callable, two words, no allocation. For parameters
// only: it does not own what it refers to, so never keep one beyond the call it was passed to.
#pragma once

#include <memory>
#include <type_traits>

namespace spate {

template <typename Signature>
class FunctionRef;

template <typename R, typename... Args>
class FunctionRef<R(Args...)> {
 public:
  template <typename F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> && std::is_invocable_r_v<R, F&, Args...> &&
             !std::is_function_v<std::remove_reference_t<F>> && !std::is_pointer_v<std::remove_cvref_t<F>>)
  [[gnu::always_inline]] FunctionRef(F&& f) noexcept  // NOLINT(google-explicit-constructor)
      : object_(const_cast<void*>(static_cast<const volatile void*>(__builtin_addressof(f)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(static_cast<Args&&>(args)...);
        }) {}

  // always_inline: one copy for all instruction sets would otherwise be kept by the linker (base/half.h).
  [[gnu::always_inline]] R operator()(Args... args) const { return call_(object_, static_cast<Args&&>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

}  // namespace spate
