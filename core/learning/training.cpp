// SPDX-License-Identifier: Apache-2.0
#include "core/learning/training.h"

#include <fmt/format.h>

#include <exception>

#include "core/error.h"

namespace potluck {

void persist_arrays(StateArchive& archive, Learnable& learnable) {
  for (size_t a = 0; a < learnable.arrays().size(); ++a) {
    std::vector<double> numbers = learnable.numbers(a);
    archive(numbers);
    if (archive.reading()) learnable.set_numbers(a, numbers);
  }
}

void persist_mover(StateArchive& archive, ParameterMover* mover) {
  std::vector<std::byte> memory;
  if (!archive.reading() && mover) memory = mover->save();
  archive(memory);
  if (!archive.reading() || !mover) return;
  try {
    mover->restore(memory);
  } catch (const std::exception& error) {
    throw StateError(fmt::format("a saved optimiser must fit the training, got one that does not: {}", error.what()));
  }
}

}  // namespace potluck
