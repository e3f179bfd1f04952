# spate_isa_kernels(<module>): compiles kernels/*.cc of this folder once per instruction set level, each time with
# SPATE_ISA_NS naming a namespace of its own, and adds the objects to spate_<module>. Code outside that namespace must
# not come out of these files (inline functions of shared headers: static or templates on the level), or the linker may
# keep the AVX-512 copy for every machine.
set(SPATE_ISA_FLAGS_portable "")
set(SPATE_ISA_FLAGS_avx2 -mavx2 -mfma -mf16c -mbmi2)
set(SPATE_ISA_FLAGS_avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq ${SPATE_ISA_FLAGS_avx2})
set(SPATE_ISA_FLAGS_avx512bf16 ${SPATE_ISA_FLAGS_avx512} -mavx512vnni -mavx512bf16)
set(SPATE_ISA_LEVELS portable)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND SPATE_ISA_LEVELS avx2 avx512 avx512bf16)
endif()

function(spate_isa_kernels module)
  spate_sources(kernels .cc)
  spate_sources(not_kernels _test.cc)
  spate_sources(benches _bench.cc)
  if(kernels)
    list(FILTER kernels INCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/kernels/")
    list(REMOVE_ITEM kernels ${not_kernels} ${benches})
  endif()
  if(NOT kernels)
    return()
  endif()
  foreach(level ${SPATE_ISA_LEVELS})
    set(objects spate_${module}_${level})
    add_library(${objects} OBJECT ${kernels})
    target_compile_definitions(${objects} PRIVATE SPATE_ISA_NS=${level} SPATE_ISA_${level}=1)
    target_compile_options(${objects} PRIVATE ${SPATE_ISA_FLAGS_${level}} $<IF:$<BOOL:${SPATE_SANITIZE}>,-O1,-O3>
      -ffp-contract=${SPATE_KERNEL_FP_CONTRACT} -fno-math-errno
      # g++ 12 sees uninitialized variables inside the AVX-512 intrinsics headers.
      -Wno-uninitialized $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    target_link_libraries(${objects} PRIVATE $<TARGET_PROPERTY:spate_${module},INTERFACE_LINK_LIBRARIES>)
    target_include_directories(${objects} PRIVATE ${CMAKE_SOURCE_DIR}/src)
    get_target_property(type spate_${module} TYPE)
    if(type STREQUAL "INTERFACE_LIBRARY")
      target_sources(spate_${module} INTERFACE $<TARGET_OBJECTS:${objects}>)
    else()
      target_sources(spate_${module} PRIVATE $<TARGET_OBJECTS:${objects}>)
    endif()
    # Sanitizers and debug builds keep more functions out of line than what is shipped.
    if(SPATE_BUILD_TESTS AND NOT level STREQUAL portable AND CMAKE_BUILD_TYPE STREQUAL Release AND NOT SPATE_SANITIZE)
      find_package(Python3 COMPONENTS Interpreter)
      if(Python3_FOUND)
        add_test(NAME ${objects}_symbols COMMAND_EXPAND_LISTS COMMAND
          ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/check_isa_symbols.py ${level} $<TARGET_OBJECTS:${objects}>)
        set_tests_properties(${objects}_symbols PROPERTIES LABELS unit)
      endif()
    endif()
  endforeach()
endfunction()
