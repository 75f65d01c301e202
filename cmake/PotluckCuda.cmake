# SPDX-License-Identifier: Apache-2.0
# The CUDA side of the build, where there is one.
#
# In:  POTLUCK_CUDA = AUTO, ON or OFF. AUTO builds for CUDA where both an nvcc of CUDA 13 and a LibTorch with CUDA are
#      found; ON makes what is missing an error; CMAKE_CUDA_ARCHITECTURES as usual.
# Out: POTLUCK_HAVE_CUDA; and where it is ON the language CUDA and two targets:
#      Potluck::cuda_compile_options  for every target of ours that has a .cu file (private), beside compile_options
#      Potluck::cudart                headers and shared runtime, the same file that LibTorch loads
#
# nvcc is looked for as CMAKE_CUDA_COMPILER, on PATH, under CUDA_HOME and /usr/local/cuda, and among the wheels that
# cmake/setup.sh puts into .venv.
set(POTLUCK_HAVE_CUDA OFF)
set(_why "")

if(POTLUCK_CUDA STREQUAL "OFF")
  set(_why "POTLUCK_CUDA is OFF")
elseif(NOT TARGET LibTorch::cuda)
  set(_why "this LibTorch (${LibTorch_BUILD}) has no CUDA")
elseif(LibTorch_BUILD MATCHES "\\+" AND NOT LibTorch_BUILD MATCHES "\\+cu13[0-9]")
  set(_why "LibTorch ${LibTorch_BUILD} is for another CUDA than 13")
else()
  file(GLOB _wheels "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/nvidia/cu13")
  set(_seen "")
  foreach(_nvcc IN ITEMS "${CMAKE_CUDA_COMPILER}" "$ENV{CUDACXX}" PATH "$ENV{CUDA_HOME}/bin/nvcc"
                         /usr/local/cuda/bin/nvcc "${_wheels}/bin/nvcc")
    if(_nvcc STREQUAL "PATH")
      find_program(POTLUCK_NVCC_ON_PATH nvcc)
      mark_as_advanced(POTLUCK_NVCC_ON_PATH)
      set(_nvcc "${POTLUCK_NVCC_ON_PATH}")
    endif()
    if(NOT IS_ABSOLUTE "${_nvcc}" OR NOT EXISTS "${_nvcc}")
      continue()
    endif()
    execute_process(COMMAND "${_nvcc}" --version OUTPUT_VARIABLE _said ERROR_QUIET)
    if(_said MATCHES "release 13\\.[0-9]+")
      set(POTLUCK_HAVE_CUDA ON)
      set(CMAKE_CUDA_COMPILER "${_nvcc}")
      break()
    endif()
    string(REGEX MATCH "release [0-9.]+" _release "${_said}")
    list(APPEND _seen "${_nvcc} (${_release})")
  endforeach()
  if(_seen)
    set(_why "no nvcc of CUDA 13 among ${_seen}")
  else()
    set(_why "no nvcc was found")
  endif()
endif()

if(NOT POTLUCK_HAVE_CUDA)
  if(POTLUCK_CUDA STREQUAL "ON")
    message(FATAL_ERROR "POTLUCK_CUDA is ON, but ${_why}. Run `make setup`, put the nvcc of CUDA 13 on PATH, or "
                        "configure with -DPOTLUCK_CUDA=OFF.")
  endif()
  message(STATUS "Potluck: without CUDA (${_why}); runs will be on the CPU")
  return()
endif()

# Machine code for Hopper, and PTX from which a driver makes code for Ampere and everything after it.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES "80-virtual;90-real" CACHE STRING "CUDA architectures")
endif()
enable_language(CUDA)
# The host compiler is the same; a -isystem of its own folders would hide the C headers from C++'s.
list(APPEND CMAKE_CUDA_IMPLICIT_INCLUDE_DIRECTORIES ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
list(REMOVE_DUPLICATES CMAKE_CUDA_IMPLICIT_INCLUDE_DIRECTORIES)
# The runtime is linked by name below, so that it is LibTorch's own file; two of them in one process share no streams.
set(CMAKE_CUDA_RUNTIME_LIBRARY None)

set(_toolkit "${CMAKE_CUDA_COMPILER_TOOLKIT_LIBRARY_ROOT}")
find_file(POTLUCK_CUDART libcudart.so.13
          PATHS "${LibTorch_LIBRARY_DIR}/../../nvidia/cu13/lib" "${LibTorch_LIBRARY_DIR}" "${_toolkit}/lib64"
                "${_toolkit}/lib" "${_toolkit}/targets/x86_64-linux/lib"
          NO_DEFAULT_PATH REQUIRED)
find_path(POTLUCK_CUDA_INCLUDE_DIR cuda_runtime_api.h
          PATHS ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES} "${_toolkit}/include" NO_DEFAULT_PATH REQUIRED)
mark_as_advanced(POTLUCK_CUDART POTLUCK_CUDA_INCLUDE_DIR)
get_filename_component(POTLUCK_CUDART "${POTLUCK_CUDART}" ABSOLUTE)
get_filename_component(POTLUCK_CUDART_DIRECTORY "${POTLUCK_CUDART}" DIRECTORY)

add_library(Potluck::cudart SHARED IMPORTED GLOBAL)
set_target_properties(
  Potluck::cudart PROPERTIES IMPORTED_LOCATION "${POTLUCK_CUDART}" IMPORTED_SONAME libcudart.so.13
                            INTERFACE_INCLUDE_DIRECTORIES "${POTLUCK_CUDA_INCLUDE_DIR}")

# Device arithmetic rounds as the processor's does: no contraction, denormals kept, exact roots and quotients. The
# host's half of a .cu file gets what compile_options gives to C++. CMake 3.25 does not know nvcc's C++20 by itself.
add_library(potluck_cuda_compile_options INTERFACE)
add_library(Potluck::cuda_compile_options ALIAS potluck_cuda_compile_options)
target_compile_options(
  potluck_cuda_compile_options
  INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20
            --fmad=false
            -ftz=false
            -prec-sqrt=true
            -prec-div=true
            -Xcompiler=-Wall,-Wextra,-Wshadow,-ffp-contract=off,-fno-math-errno,-fno-trapping-math>
            $<$<AND:$<BOOL:${POTLUCK_WERROR}>,$<COMPILE_LANGUAGE:CUDA>>:--Werror=all-warnings
            -Xcompiler=-Werror>)
target_link_libraries(potluck_cuda_compile_options INTERFACE Potluck::cudart)

message(STATUS "Potluck: with CUDA (${CMAKE_CUDA_COMPILER} ${CMAKE_CUDA_COMPILER_VERSION}, "
               "for ${CMAKE_CUDA_ARCHITECTURES}, runtime ${POTLUCK_CUDART})")
