# Every outside library, as dep::<name>. docs/dependencies.md says why each is there.
# Libraries that Debian ships as .a are linked statically, so that the program needs nothing installed to run.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# dep_static(<name> <pkg-config module> [extra libraries...]): the .a where there is one, else the shared library.
function(dep_static name module)
  pkg_check_modules(${name} REQUIRED QUIET IMPORTED_TARGET ${module})
  string(REGEX REPLACE "^lib" "" stem ${module})
  find_library(SPATE_${name}_ARCHIVE NAMES lib${stem}.a HINTS ${${name}_LIBRARY_DIRS})
  mark_as_advanced(SPATE_${name}_ARCHIVE)
  add_library(dep_${name} INTERFACE)
  add_library(dep::${name} ALIAS dep_${name})
  if(SPATE_${name}_ARCHIVE)
    target_include_directories(dep_${name} SYSTEM INTERFACE ${${name}_INCLUDE_DIRS})
    target_link_libraries(dep_${name} INTERFACE ${SPATE_${name}_ARCHIVE} ${ARGN})
  else()
    target_link_libraries(dep_${name} INTERFACE PkgConfig::${name})
  endif()
endfunction()

# dep_alias(<name> <target>): a CMake package under the project's own name.
function(dep_alias name)
  add_library(dep_${name} INTERFACE)
  add_library(dep::${name} ALIAS dep_${name})
  target_link_libraries(dep_${name} INTERFACE ${ARGN})
endfunction()

find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)

# fmt and spdlog have no .a in Debian: they are compiled in.
dep_alias(fmt fmt::fmt-header-only)
dep_alias(spdlog spdlog::spdlog_header_only)
dep_alias(json nlohmann_json::nlohmann_json)
dep_alias(cli11 CLI11::CLI11)
dep_alias(threads Threads::Threads)
dep_static(pcre2 libpcre2-8)
target_compile_definitions(dep_pcre2 INTERFACE PCRE2_CODE_UNIT_WIDTH=8)
dep_static(utf8proc libutf8proc)
dep_static(hwloc hwloc udev m)
dep_static(crypto libcrypto dl)

if(SPATE_BUILD_TESTS)
  find_package(GTest REQUIRED)
  dep_alias(gtest GTest::gtest GTest::gmock GTest::gtest_main Threads::Threads)
endif()
if(SPATE_BUILD_BENCHES)
  find_package(benchmark REQUIRED)
  dep_alias(benchmark benchmark::benchmark benchmark::benchmark_main)
endif()
