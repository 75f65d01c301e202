# SPDX-License-Identifier: Apache-2.0
# From a fresh Debian 12 to pictures, and to passing tests. Everything is in cmake/setup.sh and the CMake presets;
# this only says in which order.
#
#   make demo           set up, build, draw garments and halves of garments, say where the pictures are
#   make claims         set up, build, make docs/claims.md again: every number and picture, in less than an hour
#                       (ONLY=NAME: of one claim); where it was stopped it goes on
#   make test           set up, build everything, run all tests
#   make fuzz           set up, build the fuzz targets with clang, run each for a minute
#   make setup          install what is missing (see cmake/setup.sh for what can be chosen)
#   make format         lay out the sources; make format-check only looks
#   make clean          remove what was built (not .venv)
#
# PRESET=debug|tsan|tidy|fuzz|no-cuda|cuda builds another preset; OPTIONS="-DPOTLUCK_WERROR=ON" goes to CMake.
PRESET ?= release
JOBS ?= $(shell nproc)
.DEFAULT_GOAL := help
PYTHON := $(or $(POTLUCK_PYTHON),.venv/bin/python)
.PHONY: help demo claims test fuzz setup configure build format format-check clean

# As in CMakePresets.json.
BUILD_FOLDER := $(if $(filter release,$(PRESET)),build,build-$(PRESET))
# Used where they are there. CMake takes them when a build folder is first configured.
CCACHE := $(shell command -v ccache)
MOLD := $(shell command -v mold)
FASTER := $(if $(CCACHE),-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache \
            -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache) \
          $(if $(MOLD),-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=mold -DCMAKE_MODULE_LINKER_FLAGS=-fuse-ld=mold)

help:
	@sed -n 's/^#   //p' Makefile

setup:
	@cmake/setup.sh

# A second make, because what speeds up the build may just have been installed.
configure: setup
	@$(MAKE) --no-print-directory -s configure-now

.PHONY: configure-now
configure-now:
	@cmake --preset $(PRESET) $(FASTER) $(if $(POTLUCK_CUDA),-DPOTLUCK_CUDA=$(POTLUCK_CUDA)) $(OPTIONS)

build: configure
	@cmake --build --preset $(PRESET) --parallel $(JOBS)

demo: configure
	@cmake --build --preset $(PRESET) --parallel $(JOBS) --target programs
	@examples/wardrobe/run.sh "$(CURDIR)/$(BUILD_FOLDER)"
	@examples/garments/demo.sh "$(CURDIR)/$(BUILD_FOLDER)"

claims: configure
	@cmake --build --preset $(PRESET) --parallel $(JOBS) --target programs
	@$(PYTHON) examples/claims/claims.py --program "$(CURDIR)/$(BUILD_FOLDER)/bin/potluck" $(if $(ONLY),--only $(ONLY))

test: build
	@ctest --preset $(PRESET) --parallel $(JOBS)

fuzz:
	@$(MAKE) --no-print-directory -s configure PRESET=fuzz
	@cmake --build --preset fuzz --parallel $(JOBS)

format format-check:
	@cmake/format.sh $(if $(filter format-check,$@),--check)

clean:
	rm -rf build build-debug build-tsan build-tidy build-fuzz build-no-cuda build-cuda
