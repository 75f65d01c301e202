// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "core/error.h"
#include "potluck/plugin.h"

namespace potluck {

/// The system's loader refused a library: what is wrong may be the machine and not the file.
class LibraryError : public PluginError {
 public:
  using PluginError::PluginError;
};

using PluginEntry = const potluck_plugin*();

/// Opens a plugin, for good, and returns its entry: all symbols bound now, none given to other libraries.
/// The thread's floating-point mode is kept.
/// @param file  the whole path
/// @throws LibraryError with the loader's own words.
PluginEntry* open_plugin(const std::filesystem::path& file);

/// Opens the LibTorch that this Potluck was built with, so that all plugins and the host share one copy. One that the
/// process already has, such as that of an embedding program, is taken as it is.
/// @throws PluginError
void open_libtorch();

/// The part of LibTorch that runs on CUDA: it must be there before LibTorch is first asked for a device.
/// @throws PluginError
void open_libtorch_cuda();

/// A function of the LibTorch in this process, or of a library that it needs, by its symbol; null where there is none,
/// or no LibTorch.
void (*libtorch_function(const std::string& symbol))();

/// From now on an operation of LibTorch, where it has been opened, is done by one thread. For machines that start no
/// more: OpenMP, which it shares its work out with, ends the process there.
void use_one_libtorch_thread();

/// The build that plugins must match: "2.11.0+cu130".
const std::string& libtorch_build();

/// The folder of that LibTorch's libraries.
const std::string& libtorch_folder();

}  // namespace potluck
