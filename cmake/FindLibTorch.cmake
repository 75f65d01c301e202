# SPDX-License-Identifier: Apache-2.0
# LibTorch by hand: its own package needs a CUDA toolkit to be found at all, ours does not.
#
#   LIBTORCH_ROOT (or the environment's POTLUCK_LIBTORCH): a folder with include/ and lib/, such as an unpacked
#   LibTorch, or site-packages/torch of a Python environment.
#
# Defines LibTorch::cpu (torch_cpu and c10; what a plugin links), LibTorch::cuda where the build has it,
# LibTorch_VERSION (2.11.0), LibTorch_BUILD (2.11.0+cu130) and LibTorch_LIBRARY_DIR.
set(LIBTORCH_ROOT "$ENV{POTLUCK_LIBTORCH}" CACHE PATH "Folder of LibTorch: has include/ and lib/")
# A POTLUCK_LIBTORCH that has changed since a build folder was made counts.
if(NOT "$ENV{POTLUCK_LIBTORCH}" STREQUAL "" AND NOT LIBTORCH_ROOT STREQUAL "$ENV{POTLUCK_LIBTORCH}")
  set(LIBTORCH_ROOT "$ENV{POTLUCK_LIBTORCH}" CACHE PATH "Folder of LibTorch: has include/ and lib/" FORCE)
  foreach(_found INCLUDE_DIR API_INCLUDE_DIR CPU_LIBRARY C10_LIBRARY CUDA_LIBRARY C10_CUDA_LIBRARY)
    unset(LibTorch_${_found} CACHE)
  endforeach()
endif()
if(NOT LIBTORCH_ROOT)
  file(GLOB _libtorch_in_venv "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
  if(_libtorch_in_venv)
    list(GET _libtorch_in_venv 0 _libtorch_in_venv)
    set(LIBTORCH_ROOT "${_libtorch_in_venv}" CACHE PATH "Folder of LibTorch: has include/ and lib/" FORCE)
  endif()
endif()

find_path(LibTorch_INCLUDE_DIR ATen/core/Tensor.h HINTS "${LIBTORCH_ROOT}/include" NO_DEFAULT_PATH)
find_path(LibTorch_API_INCLUDE_DIR torch/torch.h HINTS "${LIBTORCH_ROOT}/include/torch/csrc/api/include"
          NO_DEFAULT_PATH)
find_library(LibTorch_CPU_LIBRARY torch_cpu HINTS "${LIBTORCH_ROOT}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_C10_LIBRARY c10 HINTS "${LIBTORCH_ROOT}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_CUDA_LIBRARY torch_cuda HINTS "${LIBTORCH_ROOT}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_C10_CUDA_LIBRARY c10_cuda HINTS "${LIBTORCH_ROOT}/lib" NO_DEFAULT_PATH)
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_API_INCLUDE_DIR LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY
                 LibTorch_CUDA_LIBRARY LibTorch_C10_CUDA_LIBRARY)

if(LibTorch_INCLUDE_DIR)
  foreach(_header torch/headeronly/version.h torch/version.h)
    if(EXISTS "${LibTorch_INCLUDE_DIR}/${_header}" AND NOT LibTorch_VERSION)
      file(STRINGS "${LibTorch_INCLUDE_DIR}/${_header}" _lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
      foreach(_line IN LISTS _lines)
        string(REGEX MATCH "TORCH_VERSION_([A-Z]+) +([0-9]+)" _ "${_line}")
        set(_libtorch_${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
      endforeach()
      if(_lines)
        set(LibTorch_VERSION "${_libtorch_MAJOR}.${_libtorch_MINOR}.${_libtorch_PATCH}")
      endif()
    endif()
  endforeach()
  # The flavour stands in version.py of a wheel and in build-version of a LibTorch archive.
  set(LibTorch_BUILD "${LibTorch_VERSION}")
  if(EXISTS "${LIBTORCH_ROOT}/version.py")
    file(STRINGS "${LIBTORCH_ROOT}/version.py" _line REGEX "^__version__ *=")
    if(_line MATCHES "'([^']+)'")
      set(LibTorch_BUILD "${CMAKE_MATCH_1}")
    endif()
  elseif(EXISTS "${LIBTORCH_ROOT}/build-version")
    file(STRINGS "${LIBTORCH_ROOT}/build-version" LibTorch_BUILD LIMIT_COUNT 1)
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  LibTorch
  REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "Run `make setup`, or set POTLUCK_LIBTORCH to a LibTorch 2.10 - 2.12.")

if(LibTorch_FOUND)
  get_filename_component(LibTorch_LIBRARY_DIR "${LibTorch_CPU_LIBRARY}" DIRECTORY)
  if(NOT TARGET LibTorch::cpu)
    add_library(LibTorch::c10 SHARED IMPORTED)
    set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LibTorch_C10_LIBRARY}")
    add_library(LibTorch::cpu SHARED IMPORTED)
    set_target_properties(
      LibTorch::cpu
      PROPERTIES IMPORTED_LOCATION "${LibTorch_CPU_LIBRARY}"
                 INTERFACE_LINK_LIBRARIES LibTorch::c10
                 INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_API_INCLUDE_DIR}")
  endif()
  if(LibTorch_CUDA_LIBRARY AND LibTorch_C10_CUDA_LIBRARY AND NOT TARGET LibTorch::cuda)
    add_library(LibTorch::c10_cuda SHARED IMPORTED)
    set_target_properties(LibTorch::c10_cuda PROPERTIES IMPORTED_LOCATION "${LibTorch_C10_CUDA_LIBRARY}")
    add_library(LibTorch::cuda SHARED IMPORTED)
    set_target_properties(LibTorch::cuda PROPERTIES IMPORTED_LOCATION "${LibTorch_CUDA_LIBRARY}"
                                                    INTERFACE_LINK_LIBRARIES "LibTorch::c10_cuda;LibTorch::cpu")
  endif()
endif()
