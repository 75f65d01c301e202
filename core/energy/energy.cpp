// SPDX-License-Identifier: Apache-2.0
#include "core/energy/energy.h"

#include <stdexcept>

namespace potluck {

void Energy::category_energies(const CategoryCall&) const {
  throw std::logic_error("energies of all labels must be asked for where they are offered");
}

}  // namespace potluck
