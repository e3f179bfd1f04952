# Flags that every target of the project gets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# The kernels ask for -O3 themselves; elsewhere it only costs build time. Debug keeps DCHECK and stays fast enough
# to run the whole test set.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")

if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(SPATE_CCACHE ccache)
  mark_as_advanced(SPATE_CCACHE)
  if(SPATE_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${SPATE_CCACHE})
  endif()
endif()

add_compile_options(
  -Wall -Wextra -Wconversion -Wshadow
  # A result may not depend on what the compiler inlined where: no silent fused multiply-add.
  -ffp-contract=off
  # __FILE__ is "src/base/check.cc" wherever the tree lies.
  -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(SPATE_WERROR)
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  # g++ keeps it out of -Wconversion for C++; one rule for both compilers.
  add_compile_options(-Wno-sign-conversion)
endif()

if(SPATE_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "SPATE_FUZZ needs clang, the compiler is ${CMAKE_CXX_COMPILER}; "
                        "use `cmake --preset fuzz` or -DCMAKE_CXX_COMPILER=clang++-16")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=address,undefined)
elseif(SPATE_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=address,undefined)
elseif(SPATE_SANITIZE STREQUAL "thread")
  # -Wtsan: g++ warns about fences inside libraries that are not instrumented anyway.
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer -g1 -Wno-tsan)
  add_link_options(-fsanitize=thread)
elseif(SPATE_SANITIZE)
  message(FATAL_ERROR "SPATE_SANITIZE is \"${SPATE_SANITIZE}\"; expected address, thread or nothing")
else()
  # The program runs on any Debian 12 of the same architecture with libc alone.
  add_link_options(-static-libstdc++ -static-libgcc)
endif()
