# SPDX-License-Identifier: Apache-2.0
# What a person may choose, and how our own code is compiled (Potluck::compile_options; private to our targets).
include(GNUInstallDirs)

option(POTLUCK_BUILD_TESTS "Build the tests" ON)
option(POTLUCK_BUILD_BENCHMARKS "Build the benchmarks" OFF)
option(POTLUCK_WERROR "Treat warnings in our own code as errors" OFF)
set(POTLUCK_SANITIZE OFF CACHE STRING "Sanitizers for our own code: OFF, memory (address and undefined behaviour), threads")
set_property(CACHE POTLUCK_SANITIZE PROPERTY STRINGS OFF memory threads)
set(POTLUCK_CUDA AUTO CACHE STRING "Build for CUDA: ON, OFF, or AUTO (where nvcc is found)")
set_property(CACHE POTLUCK_CUDA PROPERTY STRINGS AUTO ON OFF)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
# Our own plugins stand where an installation has them, relative to bin/.
set(POTLUCK_PLUGIN_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib/potluck/plugins")

# What is installed finds LibTorch and the CUDA runtime where the build found them.
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)

add_library(potluck_compile_options INTERFACE)
add_library(Potluck::compile_options ALIAS potluck_compile_options)
target_compile_features(potluck_compile_options INTERFACE cxx_std_20 c_std_11)
# No contraction to fused multiply-adds: the same bits with every compiler and processor.
target_compile_options(
  potluck_compile_options
  INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -ffp-contract=off
            -fno-math-errno
            -fno-trapping-math>
            $<$<AND:$<BOOL:${POTLUCK_WERROR}>,$<COMPILE_LANGUAGE:C,CXX>>:-Werror>)
# Whoever links compile_options is instrumented, our plugins too. Everything found stops the program.
if(POTLUCK_SANITIZE STREQUAL "memory")
  # Not looked for: references to null, which Eigen binds in every matrix without numbers and never reads (a read is the
  # address sanitizer's); and dynamic types, whose check needs a pipe where a test takes them all away.
  set(POTLUCK_SANITIZER_FLAGS -fsanitize=address,undefined)
  set(_sanitizers ${POTLUCK_SANITIZER_FLAGS} -fno-sanitize=null,vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(POTLUCK_SANITIZE STREQUAL "threads")
  set(POTLUCK_SANITIZER_FLAGS -fsanitize=thread)
  set(_sanitizers ${POTLUCK_SANITIZER_FLAGS} -fno-omit-frame-pointer)
elseif(POTLUCK_SANITIZE)
  message(FATAL_ERROR "POTLUCK_SANITIZE must be OFF, memory or threads, got '${POTLUCK_SANITIZE}'")
endif()
if(POTLUCK_SANITIZE)
  target_compile_options(potluck_compile_options INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:${_sanitizers}>)
  target_link_options(potluck_compile_options INTERFACE ${POTLUCK_SANITIZER_FLAGS})
endif()

set(POTLUCK_TIDY OFF CACHE BOOL "Look at our own sources with clang-tidy (.clang-tidy) while they are compiled")
if(POTLUCK_TIDY)
  find_program(POTLUCK_CLANG_TIDY NAMES clang-tidy-14 clang-tidy REQUIRED)
  set(CMAKE_CXX_CLANG_TIDY "${POTLUCK_CLANG_TIDY};--quiet;--extra-arg=-Wno-unknown-warning-option")
endif()
