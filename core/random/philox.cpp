// SPDX-License-Identifier: Apache-2.0
#include "core/random/philox.h"

namespace potluck {

PhiloxWords philox_words(const NoiseAddress& at, uint32_t block) {
  PhiloxWords out{{block, at.chain, at.step, static_cast<uint32_t>(at.purpose)}};
  element::philox(out.word[0], out.word[1], out.word[2], out.word[3], at.seed, at.variable);
  return out;
}

float standard_normal(const NoiseAddress& at, int64_t index) {
  const PhiloxWords words = philox_words(at, static_cast<uint32_t>(index / 4));
  const int pair = index % 4 < 2 ? 0 : 2;
  float first, second;
  element::normal_pair(words.word[pair], words.word[pair + 1], first, second);
  return index % 2 == 0 ? first : second;
}

void uniforms(const NoiseAddress& at, int64_t count, double* out) {
  for (int64_t i = 0; i < count; i += 2) {
    const PhiloxWords words = philox_words(at, static_cast<uint32_t>(i / 2));
    out[i] = element::unit_uniform(words.word[0], words.word[1]);
    if (i + 1 < count) out[i + 1] = element::unit_uniform(words.word[2], words.word[3]);
  }
}

double uniform(const NoiseAddress& at) {
  double out;
  uniforms(at, 1, &out);
  return out;
}

}  // namespace potluck
