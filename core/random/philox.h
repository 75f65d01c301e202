// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "core/random/element.h"

namespace potluck {

/// What a number is drawn for: the last word of the counter. A format: values never change.
enum class Purpose : uint32_t {
  kProposal = 0,        ///< the normal of a Langevin step, one an element
  kAcceptance = 1,      ///< the uniform of a Metropolis decision, one a chain, key of the empty name
  kStart = 2,           ///< starting positions; the step is the number of the attempt
  kMomentum = 3,        ///< momentum refreshment
  kSecondMomentum = 4,  ///< the second refreshment of a step
  kFirstMomentum = 5,   ///< velocities that a run begins with
  kSwap = 6,            ///< the uniform of a swap of two replicas, the chain is the colder one, key as kAcceptance
  kBase = 7,            ///< draws of the base that annealing begins with
  kResampling = 8,      ///< the uniform of a systematic resampling, one a stage, chain 0, key of the empty name
  kLabel = 9,           ///< the uniform by which gibbs draws a label, one an element
  kGiven = 10,          ///< the normal of a given number while a level of noise moves; the step is the level's first
  kNoiseLevel = 12,     ///< the normal that says how much noise a row of training data gets; the chain is the row
  kDenoising = 13,      ///< the noise that a row of training data gets, one an element; the step is the update
  // Training data (core/learning/data). The chain is the row in the batch and the step the update, where nothing else
  // is said.
  kShuffle = 16,        ///< the order of the training rows, key of the empty name; the step is the epoch, chain 0
  kHoldOut = 17,        ///< the order whose end is held out: seed 0, key of the empty name, step 0, chain 0
  kDequantise = 18,     ///< the uniforms of dequantisation, one an element
  kDequantiseRow = 19,  ///< the same of rows in their order: the chain is the row in the file, the step 0
  kFlip = 20,           ///< the uniform that decides whether a row is flipped
  kDropLabel = 21,      ///< the uniform that decides whether a row's label is dropped
};

/// FNV-1a (32 bits) of a variable's name: the second word of the key, so that a variable's noise depends on no other.
constexpr uint32_t variable_key(std::string_view name) {
  uint32_t hash = 0x811c9dc5u;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x01000193u;
  return hash;
}

/// Where a stream of numbers comes from: everything of key and counter but the element.
struct NoiseAddress {
  uint32_t seed = 0;
  uint32_t variable = variable_key("");
  uint32_t chain = 0;
  uint32_t step = 0;
  Purpose purpose = Purpose::kProposal;
};

/// Four random words: Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011) of counter (block, chain, step, purpose) under
/// key (seed, variable).
struct PhiloxWords {
  uint32_t word[4];
};
PhiloxWords philox_words(const NoiseAddress& at, uint32_t block);

/// Element `index` of the stream, standard normal: word index % 4 of block index / 4 (docs/noise.md).
float standard_normal(const NoiseAddress& at, int64_t index);

/// `count` uniforms in (0, 1): number i is (w + 1/2) 2^-52, w the upper 52 bits of the 64-bit word made of words
/// 2 (i % 2) (low half) and 2 (i % 2) + 1 (high half) of block i / 2.
void uniforms(const NoiseAddress& at, int64_t count, double* out);

/// The first of uniforms(at, ...).
double uniform(const NoiseAddress& at);

}  // namespace potluck
