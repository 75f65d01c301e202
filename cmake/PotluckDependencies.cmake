# SPDX-License-Identifier: Apache-2.0
# Libraries that the engine is built with. See docs/decisions for why each is here.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS filesystem program_options)
find_package(fmt 9 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto)
find_package(netCDF QUIET)
find_package(LibTorch 2.10 REQUIRED)

# Python with cmake/requirements.txt installed, for tests and examples.
set(_python "$ENV{POTLUCK_PYTHON}")
if(NOT _python)
  set(_python "${PROJECT_SOURCE_DIR}/.venv/bin/python")
endif()
set(POTLUCK_PYTHON "${_python}" CACHE FILEPATH "Python with cmake/requirements.txt installed")

if(POTLUCK_BUILD_TESTS)
  find_package(GTest REQUIRED)
  if(NOT EXISTS "${POTLUCK_PYTHON}")
    message(FATAL_ERROR "The tests need a Python, and there is none at ${POTLUCK_PYTHON}. Run `make setup`, set "
                        "POTLUCK_PYTHON to one that has cmake/requirements.txt, or use -DPOTLUCK_BUILD_TESTS=OFF.")
  endif()
endif()
