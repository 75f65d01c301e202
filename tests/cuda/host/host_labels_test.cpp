// SPDX-License-Identifier: Apache-2.0
// Labels on a device made of the host, against the CPU.
#include <gmock/gmock.h>

#include <atomic>
#include <vector>

#include "core/error.h"
#include "core/methods/label_blocks.h"
#include "core/sampling/run/run.h"
#include "tests/core/labelled_line.h"
#include "tests/cuda/host/host_runtime.h"

namespace potluck {
namespace {

using testing::LabelledLine;

constexpr Device kCpu{Device::Kind::kCpu, 0}, kCuda{Device::Kind::kCuda, 0};
constexpr int64_t kChains = 300;

/// The line on a device, where what it does waits in the stream's queue.
class LineOnDevice final : public LabelledLine {
 public:
  LineOnDevice(const Options& options, Device device) : LabelledLine(options), device_(device) {}

  Device device() const override { return device_; }
  int64_t most_rows() const override { return 2 * kChains; }
  bool capturable() const override { return true; }

  void evaluate(const EnergyCall& call) const override {
    testing::enqueue([this, kept = Kept(call)] { LabelledLine::evaluate(kept.call()); });
  }
  void category_energies(const CategoryCall& call) const override {
    testing::enqueue([this, kept = Kept(call.state), call] {
      CategoryCall later = call;
      later.state = kept.call();
      LabelledLine::category_energies(later);
    });
  }

 private:
  /// A call whose lists of arrays outlive it.
  class Kept {
   public:
    explicit Kept(const EnergyCall& call) : call_(call), position_(call.position, call.position + 2) {
      if (call.gradient) gradient_.assign(call.gradient, call.gradient + 2);
    }
    EnergyCall call() const {
      EnergyCall call = call_;
      call.position = position_.data();
      call.gradient = gradient_.empty() ? nullptr : gradient_.data();
      return call;
    }

   private:
    EnergyCall call_;
    std::vector<const void*> position_;
    std::vector<void*> gradient_;
  };

  Device device_;
};

class Keeper final : public Observer {
 public:
  void record(const Draw& draw) override {
    const auto* label = static_cast<const int64_t*>(draw.position[0]);
    const auto* x = static_cast<const double*>(draw.position[1]);
    labels.insert(labels.end(), label, label + 3 * draw.chains);
    xs.insert(xs.end(), x, x + 3 * draw.chains);
    frozen.assign(draw.frozen, draw.frozen + draw.chains);
  }
  void checkpointed(std::span<const std::byte> state, int64_t) override {
    checkpoints.emplace_back(state.begin(), state.end());
  }
  std::vector<int64_t> labels;
  std::vector<double> xs;
  std::vector<uint8_t> frozen;
  std::vector<std::vector<std::byte>> checkpoints;
};

Keeper sample(const LabelledLine::Options& line, Device device, const Held& labels = {},
              std::span<const std::byte> checkpoint = {}) {
  const LineOnDevice energy(line, device);
  const Target target{&energy, {labels, {}}, 1.2};
  RunOptions options;
  options.method = "langevin";  // sums over no row, so that positions have the bits of the CPU
  options.values = option_values("langevin", {{"step_size", "0.05"}});
  options.blocks = label_blocks(options, energy.variables(), target.held);
  options.chains = kChains;
  options.warmup = 30;
  options.steps = 60;
  options.thin = 10;
  options.seed = 4;
  options.threads = 1;
  options.checkpoint_every = 35;
  Keeper keeper;
  Observer* observers[] = {&keeper};
  const std::atomic<bool> go_on{false};
  run(target, *default_start(energy.variables()), options, observers, go_on, checkpoint);
  return keeper;
}

TEST(HostLabelsTest, AreThoseOfTheCpuBitForBit) {
  for (const bool offers : {true, false}) {
    const Keeper cpu = sample({.offers = offers}, kCpu), cuda = sample({.offers = offers}, kCuda);
    ASSERT_EQ(cpu.labels.size(), static_cast<size_t>(6 * 3 * kChains));
    EXPECT_EQ(cuda.labels, cpu.labels) << offers;
    EXPECT_EQ(cuda.xs, cpu.xs) << offers;
  }
}

TEST(HostLabelsTest, StayWhereTheyAreGivenAndFreezeWhereTheyFail) {
  const Held second = {{0, 1, 0}, {0, 2, 0}};
  EXPECT_EQ(sample({}, kCuda, second).labels, sample({}, kCpu, second).labels);
  // Of an element that is given no energy of another label is asked for.
  const Held first = {{1, 0, 0}, {0, 0, 0}};
  EXPECT_EQ(sample({.broken = 2}, kCuda, first).frozen, std::vector<uint8_t>(kChains, 0));
  EXPECT_THROW(sample({.broken = 2}, kCuda), NumericalError);
}

TEST(HostLabelsTest, GoOnFromACheckpointBitForBit) {
  const Keeper whole = sample({}, kCuda);
  ASSERT_EQ(whole.checkpoints.size(), 3u);  // in the sampling at steps 5 and 40, and the end
  const Keeper rest = sample({}, kCuda, {}, whole.checkpoints[1]);
  ASSERT_FALSE(rest.labels.empty());
  EXPECT_TRUE(std::equal(rest.labels.begin(), rest.labels.end(), whole.labels.end() - std::ssize(rest.labels)));
}

}  // namespace
}  // namespace potluck
