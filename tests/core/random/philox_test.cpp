// SPDX-License-Identifier: Apache-2.0
#include "core/random/philox.h"

#include <Random123/philox.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace potluck {
namespace {

TEST(PhiloxTest, GivesRandom123sKnownAnswers) {
  // kat_vectors of Random123 1.14, philox4x32 with 10 rounds: zeros, ones, digits of pi.
  struct Answer {
    uint32_t counter[4], key[2], out[4];
  };
  const Answer answers[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}},
      {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}},
      {{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u},
       {0xa4093822u, 0x299f31d0u},
       {0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}},
  };
  for (const Answer& a : answers) {
    const PhiloxWords words = philox_words(
        {a.key[0], a.key[1], a.counter[1], a.counter[2], static_cast<Purpose>(a.counter[3])}, a.counter[0]);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(words.word[i], a.out[i]);
  }
}

TEST(PhiloxTest, AgreesWithRandom123OnManyCounters) {
  for (uint32_t i = 0; i < 10000; ++i) {
    const uint32_t block = i * 2654435761u, chain = i ^ 77u, step = i / 3, seed = 5 * i, variable = ~i;
    const r123::Philox4x32::ctr_type expected = r123::Philox4x32()({{block, chain, step, 3u}}, {{seed, variable}});
    const PhiloxWords words = philox_words({seed, variable, chain, step, Purpose::kMomentum}, block);
    for (int j = 0; j < 4; ++j) ASSERT_EQ(words.word[j], expected[j]);
  }
}

TEST(PhiloxTest, KeysAVariableByTheFnv1aHashOfItsName) {
  // Reference values of FNV-1a, 32 bits (Fowler, Noll & Vo).
  EXPECT_EQ(variable_key(""), 0x811c9dc5u);
  EXPECT_EQ(variable_key("a"), 0xe40c292cu);
  EXPECT_EQ(variable_key("foobar"), 0xbf9cf968u);
}

TEST(UniformTest, StaysInsideTheOpenInterval) {
  EXPECT_GT(element::unit_uniform(0, 0), 0.0);
  EXPECT_LT(element::unit_uniform(~0u, ~0u), 1.0);
}

TEST(UniformTest, IsAPrefixOfALongerDraw) {
  const NoiseAddress at{3, variable_key("x"), 5, 8, Purpose::kStart};
  std::vector<double> seven(7), three(3);
  uniforms(at, 7, seven.data());
  uniforms(at, 3, three.data());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(seven[i], three[i]);
  EXPECT_EQ(uniform(at), seven[0]);
}

TEST(NormalElementTest, ComputesLogSineAndCosineToAFewUnitsInTheLastPlace) {
  double log_error = 0, circle_error = 0;
  for (uint64_t a = 0; a < 0xfffff000u; a += 9973) {
    const auto word = static_cast<uint32_t>(a);
    const float u = element::fma(static_cast<float>(static_cast<int32_t>(word >> 1)), 0x1p-31f, 0x1p-32f);
    if (u < 1) log_error = std::max(log_error, std::fabs(element::log_unit(u) / std::log(double{u}) - 1));
    float p, q;
    element::normal_pair(0x5e2d58d8u, word, p, q);
    const double r = std::hypot(double{p}, double{q}), angle = word * (2 * M_PI / 4294967296.0);
    circle_error = std::max({circle_error, std::fabs(p / r - std::cos(angle)), std::fabs(q / r - std::sin(angle))});
  }
  EXPECT_LT(log_error, 1e-7);
  EXPECT_LT(circle_error, 1.5e-7);
}

TEST(FoldTest, ReflectsAtEitherFaceAsOftenAsNeeded) {
  const double inf = INFINITY;
  double sign;
  EXPECT_EQ(element::fold(0.25, 0.0, 1.0, sign), 0.25);
  EXPECT_EQ(sign, 1);
  EXPECT_EQ(element::fold(-0.25, 0.0, 1.0, sign), 0.25);
  EXPECT_EQ(sign, -1);
  EXPECT_EQ(element::fold(1.25, 0.0, 1.0, sign), 0.75);
  EXPECT_EQ(sign, -1);
  EXPECT_EQ(element::fold(2.25, 0.0, 1.0, sign), 0.25);
  EXPECT_EQ(sign, 1);
  EXPECT_EQ(element::fold(100.25, 0.0, 1.0, sign), 0.25);
  EXPECT_EQ(sign, 1);
  EXPECT_EQ(element::fold(-1001.25, 0.0, 1.0, sign), 0.75);
  EXPECT_EQ(sign, 1);
  EXPECT_TRUE(std::isnan(element::fold(inf, 0.0, 1.0, sign)));
  EXPECT_EQ(element::fold(-3.0, -1.0, inf, sign), 1.0);
  EXPECT_EQ(sign, -1);
  EXPECT_EQ(element::fold(-3.0, -inf, inf, sign), -3.0);
  EXPECT_TRUE(std::isnan(element::fold(std::nan(""), 0.0, 1.0, sign)));
}

}  // namespace
}  // namespace potluck
