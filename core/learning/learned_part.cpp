// SPDX-License-Identifier: Apache-2.0
#include "core/learning/learned_part.h"

namespace potluck {

LearnedPart::LearnedPart(Learnable& whole, const std::function<bool(const std::string& name)>& learned)
    : whole_(whole), arrays_(whole.arrays()), unused_(arrays_.size()) {
  for (size_t a = 0; a < arrays_.size(); ++a) {
    if (!arrays_[a].learned || learned(arrays_[a].name)) continue;
    arrays_[a].learned = false;
    unused_[a] = whole.allocate(static_cast<size_t>(arrays_[a].size()) * sizeof(double));
  }
}

void LearnedPart::add_gradient(const ParameterGradientCall& call) {
  std::vector<double*> sum(call.sum, call.sum + arrays_.size());
  for (size_t a = 0; a < arrays_.size(); ++a)
    if (unused_[a]) sum[a] = static_cast<double*>(unused_[a].get());
  ParameterGradientCall of_whole = call;
  of_whole.sum = sum.data();
  whole_.add_gradient(of_whole);
}

}  // namespace potluck
