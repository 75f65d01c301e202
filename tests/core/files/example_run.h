// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/files/run/draws.h"

namespace potluck {

/// A small run with known numbers, written as a sampler would: an image [2, 3] whose first row is held, a number z, and
/// a label that is given whole.
struct ExampleRun {
  static constexpr int64_t kChains = 5;

  std::vector<Variable> variables;
  std::vector<Held> held;
  DrawsSchema schema;

  explicit ExampleRun(Precision precision = Precision::kFloat32) {
    variables.resize(3);
    variables[0].name = "image";
    variables[0].shape = {2, 3};
    variables[0].least = 0;
    variables[0].most = 1;
    variables[1].name = "label";
    variables[1].categories = 10;
    variables[2].name = "z";
    held.resize(3);
    held[0] = {{1, 1, 1, 0, 0, 0}, {0.25, 0.5, 0.75, 0, 0, 0}};
    held[1] = {{1}, {3}};
    schema = draws_schema(variables, held);
    schema.experts = {"coat", "smooth"};
    schema.chains = kChains;
    schema.first_chain = 100;
    schema.precision = precision;
    schema.temperature = 2;
    schema.method = "mala";
    schema.seed = 7;
    schema.warmup = 500;
    schema.thin = 10;
    schema.created_at = "2026-01-02T03:04:05+00:00";
    schema.version = "0.1.0";
  }

  static double image(int64_t draw, int64_t chain, int64_t i) {
    return i < 3 ? 0.25 * static_cast<double>(i + 1)
                 : 0.5 + 0.4 * std::sin(static_cast<double>(draw * 31 + chain * 7 + i));
  }
  static double z(int64_t draw, int64_t chain) { return std::cos(static_cast<double>(draw * 17 + chain * 5)); }
  static double energy(int64_t draw, int64_t chain) {
    return static_cast<double>(draw) + 0.25 * static_cast<double>(chain);
  }

  /// @param frozen_chain  a chain that stands still from draw 3 on, or -1
  template <typename Number>
  void append(DrawsWriter& writer, int64_t draw, int64_t frozen_chain) const {
    std::vector<Number> images, numbers;
    std::vector<int64_t> labels(kChains, 3);
    std::vector<double> energies, expert_energies, acceptance;
    std::vector<uint8_t> frozen;
    for (int64_t chain = 0; chain < kChains; ++chain) {
      const bool stands = chain == frozen_chain && draw >= 3;
      for (int64_t i = 0; i < 6; ++i) images.push_back(static_cast<Number>(image(draw, chain, i)));
      numbers.push_back(static_cast<Number>(stands ? std::nan("") : z(draw, chain)));
      energies.push_back(energy(draw, chain));
      acceptance.push_back(0.5 + 0.1 * static_cast<double>(chain));
      frozen.push_back(stands ? 1 : 0);
    }
    for (int64_t e = 0; e < 2; ++e) {
      for (int64_t chain = 0; chain < kChains; ++chain)
        expert_energies.push_back(energy(draw, chain) * (e == 0 ? 2 : -1));
    }
    Draw one;
    one.index = draw;
    one.step = 10 * (draw + 1);
    one.chains = kChains;
    one.position = {images.data(), labels.data(), numbers.data()};
    one.energy = energies.data();
    one.expert_energy = expert_energies.data();
    one.acceptance = acceptance.data();
    one.frozen = frozen.data();
    writer.append(one);
  }

  void write(const std::filesystem::path& folder, int64_t draws, int64_t frozen_chain = -1,
             uint64_t part_bytes = 4096) const {
    DrawsWriter writer(folder, schema, part_bytes);
    for (int64_t draw = 0; draw < draws; ++draw) {
      if (schema.precision == Precision::kFloat32) {
        append<float>(writer, draw, frozen_chain);
      } else {
        append<double>(writer, draw, frozen_chain);
      }
    }
    writer.finish();
  }
};

}  // namespace potluck
