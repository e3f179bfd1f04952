# spate_module(<name> [DEPS module...] [LINK dep::x...] [TEST_DEPS module...] [TEST_SHARDS n] [EXECUTABLE program])
#
# One folder is one library, spate_<name>: every *.cc below it, except folders with a CMakeLists.txt of their own and
# kernels/ (cmake/spate_isa.cmake). By name:
#   x_test.cc        into spate_<name>_test       ctest label unit
#   x_slow_test.cc   into spate_<name>_slow_test  ctest label slow, left out of `make test`
#   x_bench.cc       into spate_<name>_bench      with -DSPATE_BUILD_BENCHES=ON; with an x_bench.h it is a plain source
#   main.cc          into EXECUTABLE, linked with the rest of the folder
# DEPS are the modules that the folder includes; tools/check_layers.py holds them against the layer table. TEST_DEPS
# are those that only its tests and benches need.
#
# SPATE_PARSER_MODULES read what strangers wrote or keep state over many steps: the target parser_tests builds their
# tests, which carry the ctest label parser too.
set(SPATE_PARSER_MODULES base checkpoint tokenizer cache engine convert_pull)
add_custom_target(parser_tests)

function(spate_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "EXECUTABLE;TEST_SHARDS" "DEPS;LINK;TEST_DEPS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "spate_module(${name}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()

  spate_sources(sources .cc)
  spate_sources(tests _test.cc)
  spate_sources(slow_tests _slow_test.cc)
  spate_sources(benches _bench.cc)
  foreach(file ${benches})
    string(REGEX REPLACE "cc$" "h" header ${file})
    if(EXISTS ${header})
      list(REMOVE_ITEM benches ${file})
    endif()
  endforeach()
  if(slow_tests)
    list(REMOVE_ITEM tests ${slow_tests})
  endif()
  set(main "")
  if(arg_EXECUTABLE)
    set(main ${CMAKE_CURRENT_SOURCE_DIR}/main.cc)
  endif()
  if(sources)
    list(REMOVE_ITEM sources ${tests} ${slow_tests} ${benches} ${main})
    list(FILTER sources EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/kernels/")
  endif()

  set(target spate_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${CMAKE_SOURCE_DIR}/src)
  list(TRANSFORM arg_DEPS PREPEND spate_ OUTPUT_VARIABLE deps)
  target_link_libraries(${target} ${scope} ${deps} ${arg_LINK})
  set_property(GLOBAL APPEND PROPERTY SPATE_MODULES ${target})
  set_property(GLOBAL APPEND PROPERTY SPATE_MODULE_DEPS ${deps})

  if(main AND EXISTS ${main})
    add_executable(${arg_EXECUTABLE} ${main})
    set_target_properties(${arg_EXECUTABLE} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
    spate_add_constants(${arg_EXECUTABLE})
    if(scope STREQUAL PUBLIC)
      spate_add_constants(${target})
    endif()
    target_link_libraries(${arg_EXECUTABLE} PRIVATE ${target})
  endif()
  list(TRANSFORM arg_TEST_DEPS PREPEND spate_ OUTPUT_VARIABLE test_deps)
  if(SPATE_BUILD_TESTS)
    set(labels unit)
    if(name IN_LIST SPATE_PARSER_MODULES)
      list(APPEND labels parser)
    endif()
    spate_test(${target}_test LABELS ${labels} SHARDS ${arg_TEST_SHARDS} SOURCES ${tests} LINK ${target} ${test_deps})
    spate_test(${target}_slow_test LABELS slow SOURCES ${slow_tests} LINK ${target} ${test_deps})
    if(tests AND name IN_LIST SPATE_PARSER_MODULES)
      add_dependencies(parser_tests ${target}_test)
    endif()
  endif()
  if(SPATE_BUILD_BENCHES AND benches)
    add_executable(${target}_bench ${benches})
    spate_add_constants(${target}_bench)
    target_link_libraries(${target}_bench PRIVATE ${target} ${test_deps} dep::benchmark)
  endif()
endfunction()

# spate_sources(<variable> <suffix>): the folder's files that end so, without those of folders that build themselves.
function(spate_sources variable suffix)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*${suffix})
  file(GLOB_RECURSE nested ${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt)
  foreach(list_file ${nested})
    get_filename_component(folder ${list_file} DIRECTORY)
    list(FILTER files EXCLUDE REGEX "^${folder}/")
  endforeach()
  set(${variable} ${files} PARENT_SCOPE)
endfunction()

# spate_test(<target> LABELS l... SOURCES files... LINK targets... [SHARDS n]): one GoogleTest executable; n ctest entries
# share its cases, for executables that take long.
function(spate_test target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SHARDS" "LABELS;SOURCES;LINK")
  if(NOT arg_SOURCES)
    return()
  endif()
  add_executable(${target} ${arg_SOURCES})
  spate_add_constants(${target})
  target_link_libraries(${target} PRIVATE ${arg_LINK} dep::gtest)
  if(NOT arg_SHARDS)
    set(arg_SHARDS 1)
  endif()
  math(EXPR last "${arg_SHARDS} - 1")
  foreach(shard RANGE ${last})
    set(test ${target})
    if(last GREATER 0)
      set(test ${target}.${shard})
    endif()
    add_test(NAME ${test} COMMAND ${target})
    # ThreadSanitizer makes some tests fifty times as slow.
    set_tests_properties(${test} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT $<IF:$<BOOL:${SPATE_SANITIZE}>,3600,900>
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${arg_SHARDS};GTEST_SHARD_INDEX=${shard}")
  endforeach()
endfunction()

# What only programs and tests know: where the tree was, and which version this is.
function(spate_add_constants target)
  target_compile_definitions(${target} PRIVATE
    SPATE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" SPATE_VERSION="${PROJECT_VERSION}")
endfunction()

# A dependency on a module that nobody declares would otherwise show up as a missing -lspate_x.
function(spate_finish_modules)
  get_property(modules GLOBAL PROPERTY SPATE_MODULES)
  get_property(deps GLOBAL PROPERTY SPATE_MODULE_DEPS)
  list(REMOVE_DUPLICATES deps)
  foreach(dep ${deps})
    if(NOT dep IN_LIST modules)
      message(FATAL_ERROR "${dep} is in a DEPS list, but no folder in src/ declares that module; known: ${modules}")
    endif()
  endforeach()
endfunction()
