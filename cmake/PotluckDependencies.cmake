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
find_package(netCDF QUIET)
find_package(LibTorch 2.10 REQUIRED)

if(POTLUCK_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
