// SPDX-License-Identifier: Apache-2.0
#include "core/learning/training.h"

namespace potluck {

void persist_arrays(StateArchive& archive, Learnable& learnable) {
  for (size_t a = 0; a < learnable.arrays().size(); ++a) {
    std::vector<double> numbers = learnable.numbers(a);
    archive(numbers);
    if (archive.reading()) learnable.set_numbers(a, numbers);
  }
}

}  // namespace potluck
