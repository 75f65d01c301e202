// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/typed_command.h"

#include <filesystem>

namespace potluck::engine {

potluck::TypedCommand command_of(const TypedCommand& typed, const std::string& name, const Composition& composition) {
  potluck::TypedCommand command{typed.words, typed.folder, std::nullopt};
  if (command.words.empty()) command.words = {"potluck", name, composition.file()};
  if (command.folder.empty()) command.folder = std::filesystem::current_path().string();
  return command;
}

EnvironmentVariable environment_of(const Environment& environment) {
  if (environment) return environment;
  return [](const char*) -> const char* { return nullptr; };
}

}  // namespace potluck::engine
