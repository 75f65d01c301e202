// SPDX-License-Identifier: Apache-2.0
// Tiles cover every chain once, fit the run where bits allow it, and have one size where they do not.
#include "core/backend/tiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/energy/forwarding_energy.h"
#include "tests/core/sampling/sampled.h"

namespace potluck {
namespace {

using testing::line;
using testing::normal_energy;
using testing::Sampled;

constexpr int64_t kCohort = kMostTileRows;

std::vector<int64_t> rows_of(const Tiles& tiles) {
  std::vector<int64_t> rows;
  for (int64_t tile = 0; tile < tiles.count(); ++tile) rows.push_back(tiles.rows(tile));
  return rows;
}

TEST(TilesTest, CoverEveryChainOnceInOrder) {
  for (const bool invariant : {true, false}) {
    for (const int64_t preferred : {0, 1, 7, 100, 5000}) {
      for (const int64_t ladder : {1, 3, 40, 256}) {
        auto energy = normal_energy(line("x", 2), 1);
        energy.set_batch_invariant(invariant);
        energy.set_preferred_rows(preferred);
        for (const int64_t ladders : {1, 5, 64, 300}) {
          const int64_t chains = ladders * ladder, cohort = kMostTileRows / ladder * ladder;
          const Tiles tiles(energy, chains, cohort, ladder);
          int64_t next = 0;
          for (int64_t tile = 0; tile < tiles.count(); ++tile) {
            ASSERT_EQ(tiles.first(tile), next);
            ASSERT_GT(tiles.chains(tile), 0);
            ASSERT_EQ(tiles.chains(tile) % ladder, 0);
            ASSERT_EQ(tiles.rows(tile) % ladder, 0);
            ASSERT_LE(tiles.rows(tile), kMostTileRows);
            ASSERT_EQ(tiles.rows(tile), invariant ? tiles.chains(tile) : tiles.most_rows());
            for (int64_t chain = next; chain < next + tiles.chains(tile); ++chain)
              ASSERT_EQ(tiles.tile_of(chain), tile);
            next += tiles.chains(tile);
            if (tile + 1 == tiles.in_cohort()) {
              ASSERT_EQ(next, std::min(chains, cohort));
            }
          }
          ASSERT_EQ(next, chains);
        }
      }
    }
  }
}

TEST(TilesTest, FitTheRunWhereTheEnergyIsBatchInvariant) {
  const auto energy = normal_energy(line("x", 39), 1);
  EXPECT_EQ(rows_of(Tiles(energy, 5, kCohort, 1)), (std::vector<int64_t>{5}));
  EXPECT_EQ(rows_of(Tiles(energy, 64, kCohort, 1)), std::vector<int64_t>(4, 16));
  EXPECT_EQ(Tiles(energy, 100'000, kCohort, 1).most_rows(), 256);
}

TEST(TilesTest, HaveOneSizeForEveryRunElsewhere) {
  auto energy = normal_energy(line("x", 39), 1);
  energy.set_batch_invariant(false);
  for (const int64_t chains : {1, 64, 100'000}) EXPECT_EQ(Tiles(energy, chains, kCohort, 1).most_rows(), 32);
  energy.set_preferred_rows(128);
  for (const int64_t chains : {1, 64, 100'000}) EXPECT_EQ(Tiles(energy, chains, kCohort, 1).most_rows(), 128);
}

/// E = |x|^2/2, whose gradient has other bits in a batch of another size, as a matrix product may have.
class SeesBatchSize final : public ForwardingEnergy {
 public:
  SeesBatchSize(const Energy& energy, bool says_so) : ForwardingEnergy(energy), says_so_(says_so) {}
  bool batch_invariant() const override { return !says_so_; }
  size_t workspace_bytes(int64_t rows) const override { return energy_.workspace_bytes(rows); }
  void evaluate(const EnergyCall& call) const override {
    energy_.evaluate(call);
    auto* gradient = static_cast<double*>(call.gradient[0]);
    for (int64_t i = 0; i < call.rows * variables()[0].size(); ++i)
      gradient[i] *= 1 + 1e-15 * static_cast<double>(call.rows);
  }

 private:
  bool says_so_;
};

TEST(TilesTest, KeepTheBitsOfAChainWhateverTheCompany) {
  const auto plain = normal_energy(line("x", 3), 1);
  const SeesBatchSize honest(plain, true), claims(plain, false);
  const auto first_chain = [](const Energy& energy, int64_t chains) {
    RunOptions options;
    options.method = "mala";
    options.values = option_values("mala", {{"step_size", "0.3"}});
    options.chains = chains;
    options.warmup = 0;
    options.steps = 20;
    options.threads = 2;
    const Sampled result = testing::sampled(energy, options);
    std::vector<double> bits;
    for (const auto& draw : result.positions) bits.insert(bits.end(), draw.begin(), draw.begin() + 3);
    return bits;
  };
  for (const int64_t chains : {2, 33, 300, 1000}) {
    EXPECT_EQ(first_chain(plain, chains), first_chain(plain, 1)) << chains;
    EXPECT_EQ(first_chain(honest, chains), first_chain(honest, 1)) << chains;
  }
  EXPECT_NE(first_chain(claims, 1000), first_chain(claims, 1));  // the twin: a claim that does not hold
}

}  // namespace
}  // namespace potluck
