// SPDX-License-Identifier: Apache-2.0
// Estimates of log Z that go on from a checkpoint. What they estimate is held against exact values in
// tests/exactness/annealed_test.cpp.
#include "core/sampling/annealing/evidence.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "core/error.h"
#include "core/random/philox.h"
#include "core/state_archive.h"
#include "tests/core/blurred_energy.h"
#include "tests/core/energies.h"

namespace potluck {
namespace {

using testing::line;
using testing::RowEnergy;

constexpr int64_t kParticles = 257;  // a number that stands nowhere else in a checkpoint
constexpr int64_t kRepeats = 3;
// Of a checkpoint: the numbers behind its version, the step, reversals and evaluations.
constexpr size_t kStepSize = 20, kBeta = 28;

/// A normal whose coordinates have other widths, so that the metric is not 1.
auto ridge() {
  return RowEnergy(
      line("x", 3),
      [](const double* x, double* g) {
        double energy = 0;
        for (int j = 0; j < 3; ++j) {
          g[j] = (1 + 2 * j) * x[j];
          energy += 0.5 * g[j] * x[j];
        }
        return energy;
      },
      Precision::kFloat32);
}

/// Its exact draws.
class RidgeDraws final : public Start {
 public:
  std::string description() const override { return "normal"; }
  bool exact() const override { return true; }
  void draw(uint32_t seed, int64_t first, int64_t rows, int attempt, double* const* position) const override {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t j = 0; j < 3; ++j)
        position[0][row * 3 + j] = standard_normal({seed, variable_key("x"), static_cast<uint32_t>(first + row),
                                                    static_cast<uint32_t>(attempt), Purpose::kStart},
                                                   j) /
                                   std::sqrt(1 + 2.0 * static_cast<double>(j));
  }
};

AnnealedOptions options_of(const std::string& method) {
  AnnealedOptions options;
  options.particles = kParticles;
  options.moves = 2;
  options.method = method;
  options.conditional_ess = 0.8;
  options.base.scale = 3;
  options.threads = 2;
  return options;
}

struct Checkpoint {
  EvidenceProgress progress;
  std::vector<std::byte> bytes;
};

class Recorder final : public EvidenceObserver {
 public:
  void progressed(const EvidenceProgress& progress) override {
    stages.push_back(progress);
    if (then) then(stages.size());
  }
  void checkpointed(std::span<const std::byte> state) override {
    checkpoints.push_back({stages.back(), {state.begin(), state.end()}});
  }
  std::vector<EvidenceProgress> stages;
  std::vector<Checkpoint> checkpoints;
  std::function<void(size_t)> then;
};

/// Every bit of an estimate.
std::string words_of(const Evidence& found) {
  std::string text = fmt::format("{} {:a} {:a} {} {} {}", found.interrupted, found.log_z, found.standard_error,
                                 found.particles, found.coordinates, found.evaluations);
  for (const double one : found.repeats) text += fmt::format(" {:a}", one);
  for (const AnnealedStage& stage : found.stages) {
    text += fmt::format("; {:a} {:a} {:a} {:a}", stage.beta, stage.step_size, stage.acceptance, stage.ess);
    for (const std::vector<double>& scale : stage.scale)
      for (const double one : scale) text += fmt::format(" {:a}", one);
  }
  if (found.bracket)
    text += fmt::format("; {:a} {:a} {:a} {:a}", found.bracket->lower, found.bracket->lower_error, found.bracket->upper,
                        found.bracket->upper_error);
  return text;
}

Evidence estimate(const AnnealedOptions& options, EvidenceControl control = {}) {
  const auto energy = ridge();
  const RidgeDraws exact;
  return estimate_evidence({&energy, {{}}, 1}, options, kRepeats, &exact, control);
}

/// What goes on from a checkpoint.
std::string rest_of(const AnnealedOptions& options, const std::vector<std::byte>& checkpoint) {
  return words_of(estimate(options, {.checkpoint = checkpoint}));
}

/// A whole estimate with a checkpoint behind every stage.
struct Whole {
  explicit Whole(const AnnealedOptions& options)
      : words(words_of(estimate(options, {.observer = &recorder, .checkpoint_every = 1, .checkpoint = {}}))) {}
  /// The first checkpoint of a run that has come to so many stages.
  const std::vector<std::byte>& at(EvidenceProgress::Run run, int64_t repeat, int64_t stage) const {
    for (const Checkpoint& one : recorder.checkpoints)
      if (one.progress.run == run && one.progress.repeat == repeat && one.progress.stage == stage) return one.bytes;
    throw std::runtime_error("no such checkpoint");
  }
  Recorder recorder;
  std::string words;
};

using Phase = EvidenceProgress::Run;

class EvidenceResumeTest : public ::testing::TestWithParam<std::string> {};

TEST_P(EvidenceResumeTest, GoesOnBitForBitFromEveryStage) {
  for (const double resample_below : {0.9, 0.0}) {
    AnnealedOptions options = options_of(GetParam());
    options.resample_below = resample_below;
    const Whole whole(options);
    EXPECT_EQ(whole.words, words_of(estimate(options)));  // to be watched changes nothing
    const std::vector<Checkpoint>& all = whole.recorder.checkpoints;
    ASSERT_EQ(all.size(), whole.recorder.stages.size());
    ASSERT_GT(all.size(), (1 + kRepeats + 2) * 4u);
    for (const Checkpoint& one : all) {
      EXPECT_EQ(rest_of(options, one.bytes), whole.words)
          << "run " << static_cast<int>(one.progress.run) << ", repeat " << one.progress.repeat << ", stage "
          << one.progress.stage << ", resampling below " << resample_below;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, EvidenceResumeTest, ::testing::Values("mala", "hmc", "ghmc", "adjusted_mclmc"),
                         [](const auto& one) { return one.param; });

// The twins: a checkpoint from which one thing was not restored.
TEST(EvidenceResumeTest, ALostFieldIsSeen) {
  AnnealedOptions options = options_of("mala");
  options.resample_below = 0.3;
  const Whole whole(options);
  const auto weightless = [](std::vector<std::byte> bytes) {
    const uint64_t count = kParticles;
    const auto* from = reinterpret_cast<const std::byte*>(&count);
    const auto found = std::search(bytes.begin(), bytes.end(), from, from + sizeof count);
    EXPECT_NE(found, bytes.end());
    std::fill_n(found + sizeof count, kParticles * static_cast<int64_t>(sizeof(double)), std::byte{0});
    return bytes;
  };
  for (const auto& [run, repeat] :
       {std::pair(Phase::kPilot, 0), std::pair(Phase::kRepeat, 2), std::pair(Phase::kDown, 0)})
    EXPECT_NE(rest_of(options, weightless(whole.at(run, repeat, 1))), whole.words) << static_cast<int>(run);

  // The numbers that stand first, where they begin: behind the version.
  struct Field {
    const char* name;
    size_t at, bytes;
    Phase run;
  };
  const Field fields[] = {{"the step", 4, 4, Phase::kPilot},
                          {"the step", 4, 4, Phase::kUp},
                          {"evaluations", 12, 8, Phase::kRepeat},
                          {"the step size", kStepSize, 4, Phase::kPilot},
                          {"b of the energy", kBeta, 8, Phase::kPilot},
                          {"a run under way", 36, 1, Phase::kRepeat},
                          {"log Z so far", 37, 8, Phase::kRepeat}};
  for (const Field& field : fields) {
    std::vector<std::byte> bytes = whole.at(field.run, field.run == Phase::kRepeat ? 2 : 0, 3);
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(field.at), field.bytes, std::byte{0});
    EXPECT_NE(rest_of(options, bytes), whole.words) << field.name;
  }
}

TEST(EvidenceResumeTest, AStopEndsItWithTheStageAndLeavesACheckpoint) {
  const AnnealedOptions options = options_of("mala");
  const Whole whole(options);
  const size_t all = whole.recorder.stages.size();
  for (const size_t at : {size_t{1}, all / 2, all - 1, all}) {
    std::atomic<bool> stop{false};
    Recorder recorder;
    recorder.then = [&](size_t stage) { stop = stage >= at; };
    const Evidence cut = estimate(options, {.observer = &recorder, .stop = &stop, .checkpoint = {}});
    EXPECT_TRUE(cut.interrupted);
    EXPECT_EQ(recorder.stages.size(), at);
    ASSERT_EQ(recorder.checkpoints.size(), 1u);
    EXPECT_EQ(rest_of(options, recorder.checkpoints[0].bytes), whole.words) << at;
  }
}

TEST(EvidenceResumeTest, SaysWhereItStands) {
  Recorder recorder;
  const Evidence found = estimate(options_of("mala"), {.observer = &recorder, .checkpoint_every = 5, .checkpoint = {}});
  const auto stages = static_cast<int64_t>(found.stages.size());
  ASSERT_EQ(static_cast<int64_t>(recorder.stages.size()), (1 + kRepeats + 2) * stages);
  EXPECT_EQ(static_cast<int64_t>(recorder.checkpoints.size()), (1 + kRepeats + 2) * stages / 5);
  for (int64_t i = 0; i < static_cast<int64_t>(recorder.stages.size()); ++i) {
    const EvidenceProgress& one = recorder.stages[static_cast<size_t>(i)];
    const int64_t run = i / stages;
    EXPECT_EQ(one.run, run == 0          ? Phase::kPilot
                       : run <= kRepeats ? Phase::kRepeat
                       : run == 4        ? Phase::kUp
                                         : Phase::kDown);
    EXPECT_EQ(one.repeat, one.run == Phase::kRepeat ? run : 0);
    EXPECT_EQ(one.stage, i % stages + 1);
    EXPECT_EQ(one.total, run == 0 ? 0 : (kRepeats + 2) * stages);
    EXPECT_EQ(one.done, run == 0 ? 0 : i + 1 - stages);
    const int64_t rung = one.run == Phase::kDown ? stages - one.stage : one.stage - 1;
    EXPECT_EQ(one.beta, found.stages[static_cast<size_t>(rung)].beta);
  }
}

TEST(EvidenceResumeTest, RefusesBytesThatAreNoCheckpointOfThisEstimate) {
  AnnealedOptions options = options_of("mala");
  const Whole whole(options);
  std::vector<std::byte> bytes = whole.at(Phase::kRepeat, 2, 1);
  const auto text = [&]() -> std::string {
    try {
      return rest_of(options, bytes);
    } catch (const Error& error) {
      return error.what();
    }
  };
  bytes.resize(bytes.size() - 100);
  EXPECT_EQ(text(), "a saved state must be whole, got one that ends early. Start the run anew");
  bytes = whole.at(Phase::kRepeat, 2, 1);
  bytes[0] = std::byte{99};
  EXPECT_EQ(text(), "a checkpoint must be of version 1, got 99. Start the run anew");
  bytes = whole.at(Phase::kRepeat, 2, 1);
  options.particles = 256;
  EXPECT_EQ(text(), "annealing: particles must be the 257 that were saved, got 256");
}

// What no run can have: each would be gone on with as if it were sound, or be read beyond its end.
TEST(EvidenceResumeTest, RefusesASavedStateThatNoParticlesCanHaveLedTo) {
  const AnnealedOptions options = options_of("mala");
  const Whole whole(options);
  const auto said = [&](const std::vector<std::byte>& bytes) -> std::string {
    try {
      return rest_of(options, bytes);
    } catch (const StateError& error) {
      return error.what();
    }
  };
  const auto other = [](const std::string& what) {
    return "a saved state must fit its run, got other " + what + ". Start the run anew";
  };
  const auto with = [&](std::vector<std::byte> bytes, size_t at, auto value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
    return said(bytes);
  };
  const std::vector<std::byte> sound = whole.at(Phase::kRepeat, 2, 1);
  EXPECT_EQ(said(sound), whole.words);
  for (const double none : {0.0, -1.0, double{INFINITY}, std::nan("")})
    EXPECT_EQ(with(sound, kStepSize, none), other("stages")) << none;
  for (const double none : {-0.1, 1.1, std::nan("")}) EXPECT_EQ(with(sound, kBeta, none), other("stages")) << none;
  EXPECT_EQ(with(sound, 8, int32_t{-1}), other("counts"));
  EXPECT_EQ(with(sound, 12, INT64_MAX), other("counts"));

  // From the end backwards: the pilot's stages twice, each of b, step size, one list of three numbers, acceptance,
  // share and a flag: 8 + 8 + 8 + 8 + 3 * 8 + 8 + 8 + 1 bytes; the last has no acceptance, and a list like the others.
  constexpr size_t kStage = 73;
  size_t stages = 0;
  for (const EvidenceProgress& one : whole.recorder.stages) stages += one.run == Phase::kPilot;
  const size_t means = sound.size() - stages * kStage - 8, pilots = means - stages * kStage;
  uint64_t count = 0;
  std::memcpy(&count, &sound[pilots - 8], sizeof count);
  ASSERT_EQ(count, stages);
  constexpr size_t kLists = 16, kNumbers = 24, kScale = 32;
  EXPECT_EQ(with(sound, pilots, std::nan("")), other("stages"));
  EXPECT_EQ(with(sound, pilots, 1.0), other("stages"));                // the target, and more behind it
  EXPECT_EQ(with(sound, pilots + 2 * kStage, 1e-9), other("stages"));  // below the one before
  EXPECT_EQ(with(sound, pilots + 8, 0.0), other("stages"));
  EXPECT_EQ(with(sound, pilots + kScale, 0.0), other("stages"));
  const auto cut = [&](size_t from, size_t length, size_t at, uint64_t left) {
    std::vector<std::byte> bytes = sound;
    std::memcpy(bytes.data() + at, &left, sizeof left);
    bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                bytes.begin() + static_cast<std::ptrdiff_t>(from + length));
    return said(bytes);
  };
  EXPECT_EQ(cut(pilots + kScale + 8, 16, pilots + kNumbers, 1), other("stages"));  // one number for three coordinates
  std::memcpy(&count, &sound[pilots + kLists], sizeof count);
  EXPECT_EQ(count, 1u);

  // A run in the other direction comes behind all repeats.
  std::vector<std::byte> up = whole.at(Phase::kUp, 0, 1);
  const size_t run = up.size() - 2 * (stages * kStage + 8) - 16 - kRepeats * 8 - 8 - 1;
  ASSERT_EQ(up[run], static_cast<std::byte>(Phase::kUp));
  up[run] = static_cast<std::byte>(Phase::kRepeat);
  EXPECT_EQ(said(up), other("numbers of repeats"));
  std::vector<std::byte> early = sound;  // one repeat is done
  early[early.size() - 2 * (stages * kStage + 8) - 16 - 8 - 8 - 1] = static_cast<std::byte>(Phase::kDown);
  EXPECT_EQ(said(early), other("numbers of repeats"));
}

/// N(0, 1 + noise^2).
class BlurredNormal final : public WeighedStart {
 public:
  explicit BlurredNormal(double noise) : deviation_(std::sqrt(1 + noise * noise)) {}
  std::string description() const override { return "normal"; }
  bool exact() const override { return true; }
  void draw(uint32_t seed, int64_t first, int64_t rows, int attempt, double* const* position) const override {
    for (int64_t row = 0; row < rows; ++row)
      position[0][row] = deviation_ * standard_normal({seed, variable_key("x"), static_cast<uint32_t>(first + row),
                                                       static_cast<uint32_t>(attempt), Purpose::kStart},
                                                      0);
  }
  void energies(int64_t rows, const double* const* position, double* energy) const override {
    for (int64_t row = 0; row < rows; ++row) energy[row] = std::pow(position[0][row] / deviation_, 2) / 2;
  }
  double log_z() const override { return std::log(deviation_) + std::log(2 * M_PI) / 2; }
  double length() const override { return deviation_; }

 private:
  double deviation_;
};

/// Of x ~ N(0, 1 + noise^2) at noise 1/2, down levels that are given or found.
Evidence estimate_along(int64_t levels, EvidenceControl control = {}) {
  const testing::BlurredEnergy energy({});
  const BlurredNormal base(20), exact(0.5);
  AnnealedOptions options = options_of("mala");
  options.threads = 1;
  return estimate_evidence_along({&energy, testing::given_noise(0.5), 1}, {1, 20, Spacing::kKarras, levels, &base},
                                 options, kRepeats, &exact, control);
}

TEST(EvidenceAlongNoiseTest, GoesOnBitForBitFromEveryStage) {
  for (const int64_t levels : {0, 6}) {
    Recorder recorder;
    const Evidence whole = estimate_along(levels, {.observer = &recorder, .checkpoint_every = 1, .checkpoint = {}});
    const size_t stages = whole.stages.size();
    if (levels > 0) {
      EXPECT_EQ(stages, 7u);
    }
    EXPECT_EQ(recorder.stages.back().noise, 20);  // down from the given level
    ASSERT_EQ(recorder.checkpoints.size(), (1 + kRepeats + 2) * stages);
    for (const Checkpoint& one : recorder.checkpoints)
      EXPECT_EQ(words_of(estimate_along(levels, {.checkpoint = one.bytes})), words_of(whole))
          << levels << " levels, run " << static_cast<int>(one.progress.run) << ", repeat " << one.progress.repeat
          << ", stage " << one.progress.stage;
  }
}

TEST(EvidenceAlongNoiseTest, RefusesWhatIsNoLadderOfNoise) {
  const testing::BlurredEnergy energy({});
  const BlurredNormal base(20);
  const auto said = [&](double given, const NoiseLadder& ladder, const std::string& method) -> std::string {
    try {
      estimate_evidence_along({&energy, testing::given_noise(given), 1}, ladder, options_of(method), kRepeats, nullptr);
    } catch (const SettingError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(said(0.5, {1, 0.4, Spacing::kKarras, 0, &base}, "mala"),
            "annealing along 'noise': its first level must be above the given value, which must be >= 0, got 0.4 and "
            "0.5");
  EXPECT_EQ(said(0.5, {1, 20, Spacing::kKarras, 4001, &base}, "mala"),
            "annealing along a noise: levels must be in 0 ... 4000, got 4001");
  EXPECT_EQ(said(0.5, {0, 20, Spacing::kKarras, 0, &base}, "mala"),
            "annealing along 'x': the level of noise must be a real number that is given");
  EXPECT_EQ(said(0.5, {1, 20, Spacing::kKarras, 0, &base}, "hmc"),
            "annealing along 'noise': the method must have a step size that is the square of a length, got 'hmc'. Use "
            "mala");
}

// How many stages there are is known behind the pilot, and told before the first repeat.
TEST(EvidenceTest, MoreStepsThanTheNoiseCountsAreRefused) {
  const auto energy = ridge();
  try {
    estimate_evidence({&energy, {{}}, 1}, options_of("mala"), 10'000'000'000, nullptr);
    FAIL();
  } catch (const SettingError& error) {
    EXPECT_THAT(error.what(), ::testing::StartsWith("annealing: the "));
    EXPECT_THAT(error.what(),
                ::testing::HasSubstr("in 10000000000 runs must be at most 4294967295 steps in all, got "));
    EXPECT_THAT(error.what(), ::testing::EndsWith(": the noise counts that far. Take fewer moves or repeats"));
  }
}

}  // namespace
}  // namespace potluck
