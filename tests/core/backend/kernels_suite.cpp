// SPDX-License-Identifier: Apache-2.0
#include "tests/core/backend/kernels_suite.h"

#include <bit>
#include <cmath>
#include <cstdio>
#include <ostream>

#include "core/backend/cpu_kernels.h"
#include "core/backend/reference_kernels.h"
#include "tests/core/backend/random_group.h"

namespace potluck::testing {

namespace {

using Kind = GroupNumbers::Kind;
constexpr uint32_t kStep = 17;

/// Narrow rows fill more than one patch of the CPU's loops, long ones are longer than one.
std::vector<GroupCase> cases_of(const Operation& operation) {
  std::vector<GroupCase> cases;
  for (const Precision precision : {Precision::kFloat32, Precision::kFloat64}) {
    for (const int64_t n : {1, 2, 3, 5, 1030}) {
      for (const int flags : {0, 1, 2, 4, 8, 16, 32, 64, 127}) {
        GroupCase one;
        one.rows = n > 5 ? 20 : 600;
        one.n = n;
        one.precision = precision;
        one.faces = flags & 1;
        one.held = flags & 2;
        one.frozen = flags & 4;
        one.scale = flags & 8;
        one.ladder = (flags & 16) || operation.needs_ladder;
        one.second = (flags & 32) || operation.needs_two;
        one.fails = flags & 64;
        one.huge = one.fails && operation.takes_huge;
        cases.push_back(one);
      }
    }
  }
  return cases;
}

std::vector<GroupNumbers> numbers_after(const Backend& backend, const Operation::Call& call, RandomGroup group) {
  backend.run(group.memory(), kStep, [&](const Kernels& kernels, std::byte* memory, void* stream) {
    Group at = group.at(memory, stream);
    call(kernels, at);
  });
  return group.numbers();
}

/// Kernels of the CPU, which reach all memory.
template <class Make>
std::vector<GroupNumbers> numbers_on_cpu(Make make, const Operation::Call& call, RandomGroup group) {
  const auto kernels = make();
  Group at = group.at(group.memory().data(), nullptr);
  call(kernels, at);
  return group.numbers();
}
std::vector<GroupNumbers> numbers_of_reference(const Operation::Call& call, const GroupCase& one) {
  return numbers_on_cpu([] { return ReferenceKernels(); }, call, RandomGroup(one, Precision::kFloat64));
}
std::vector<GroupNumbers> numbers_of_baseline(const Operation::Call& call, const GroupCase& one) {
  return numbers_on_cpu([] { return CpuKernels(*all_row_kernels().front()); }, call, RandomGroup(one));
}

/// How far rounding may take a backend from the reference.
///
/// An element is rounded at most 24 times on its way, three times a piece, at magnitudes below 16, so by half of 16 u
/// each time, u the distance of Real's numbers from 1; factors below 2 carry an early error on. That is below 512 u.
/// Where it is moved by sums over a row of d, their d roundings come with it.
///
/// The terms of a sum are below 64. In float64 its d additions round 64 d by 2^-53 each, in whatever order. Terms that
/// were themselves rounded in Real, or are added in Real by at most 16 + 64 at a time, are off by a share of 128 u.
/// Products of two sums have the square of that magnitude.
double rounding(const GroupCase& one, const Operation& operation, Kind kind, double value) {
  const double u = one.precision == Precision::kFloat32 ? 0x1p-24 : 0x1p-53, d = static_cast<double>(one.n + 3);
  if (kind == Kind::kCount) return 0;
  if (kind == Kind::kReal) return 512 * u + (operation.moves_by_sums ? 16 * d * 0x1p-53 : 0);
  const double share = 2 * d * 0x1p-53 + (operation.adds_what_moved ? 128 * u : 0), magnitude = 64 * d;
  return share * ((kind == Kind::kSquare ? magnitude * magnitude : magnitude) + std::fabs(value));
}

bool same_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b) || (std::isnan(a) && std::isnan(b));
}

/// The first number for which `agree` does not hold, and how many there are; empty where there is none.
template <class Agree>
std::string disagreement(const std::vector<GroupNumbers>& got, const std::vector<GroupNumbers>& expected, Agree agree) {
  for (size_t i = 0; i < got.size(); ++i) {
    const GroupNumbers &a = got[i], &b = expected[i];
    size_t first = a.values.size(), count = 0;
    for (size_t j = a.values.size(); j-- > 0;) {
      if (agree(a, a.values[j], b.values[j])) continue;
      first = j;
      ++count;
    }
    if (count == 0) continue;
    char text[200];
    std::snprintf(text, sizeof text, "%s: %zu of %zu, the first is number %zu: %.17g, expected %.17g", a.name.c_str(),
                  count, a.values.size(), first, a.values[first], b.values[first]);
    return text;
  }
  return "";
}

std::string unlike_reference(const Operation& operation, const GroupCase& one, const std::vector<GroupNumbers>& got) {
  const std::vector<GroupNumbers> expected = numbers_of_reference(operation.call, one);
  return disagreement(got, expected, [&](const GroupNumbers& numbers, double a, double b) {
    return same_bits(a, b) || std::fabs(a - b) <= rounding(one, operation, numbers.kind, b);
  });
}

/// @param sums  sums must have the bits too
std::string unlike_baseline(const Operation& operation, const GroupCase& one, bool sums,
                            const std::vector<GroupNumbers>& got) {
  const std::vector<GroupNumbers> expected = numbers_of_baseline(operation.call, one);
  return disagreement(got, expected, [&](const GroupNumbers& numbers, double a, double b) {
    const bool by_sums = numbers.kind == Kind::kReal ? operation.moves_by_sums : numbers.kind != Kind::kCount;
    return same_bits(a, b) || (!sums && by_sums);
  });
}

Operation::Call split(State from, State to, std::vector<Piece> pieces) {
  return [=](const Kernels& kernels, Group& group) { kernels.split(group, kStep, from, to, pieces); };
}

using PieceKind = Piece::Kind;
constexpr State kNow = State::kCurrent, kThen = State::kProposal;

std::vector<Operation> splittings() {
  // BAOAB between two evaluations, a trajectory's beginning and a step of it that is watched.
  const auto baoab = [](double kick) {
    return std::vector<Piece>{{PieceKind::kKinetic, -1}, {PieceKind::kKick, kick},         {PieceKind::kKinetic, 1},
                              {PieceKind::kDrift, 0.5},  {PieceKind::kRefresh, 0.5, 0.75}, {PieceKind::kDrift, 0.5}};
  };
  const auto begin = [](Purpose purpose) {
    return std::vector<Piece>{{PieceKind::kRefresh, 0, 0.875, purpose},
                              {PieceKind::kKinetic, -1},
                              {PieceKind::kKick, 0.0625},
                              {PieceKind::kDrift, 0.125}};
  };
  const auto go_on = [](double drift) {
    return std::vector<Piece>{{PieceKind::kWatch}, {PieceKind::kKick, 0.125}, {PieceKind::kDrift, drift}};
  };
  return {
      {.name = "split_in_place",
       .call = split(kNow, kNow, baoab(0.125)),
       .twin = split(kNow, kNow, baoab(0.1251)),
       .adds_what_moved = true},
      {.name = "split_to_proposal",
       .call = split(kNow, kThen, begin(Purpose::kMomentum)),
       .twin = split(kNow, kThen, begin(Purpose::kSecondMomentum)),
       .adds_what_moved = true},
      {.name = "split_watched", .call = split(kThen, kThen, go_on(0.25)), .twin = split(kThen, kThen, go_on(0.2501))},
      {.name = "split_end",
       .call = split(kThen, kThen, {{PieceKind::kKick, 0.0625}, {PieceKind::kKinetic, 1}}),
       .twin = split(kThen, kThen, {{PieceKind::kKick, 0.0625}, {PieceKind::kKinetic, 1.01}}),
       .adds_what_moved = true},
  };
}

std::vector<Operation> langevin_steps() {
  return {
      {.name = "langevin",
       .call = [](const Kernels& k, Group& g) { k.langevin(g, kStep, 0.0625, 0.75); },
       .twin = [](const Kernels& k, Group& g) { k.langevin(g, kStep + 1, 0.0625, 0.75); }},
      {.name = "checked_langevin",
       .call = [](const Kernels& k, Group& g) { k.checked_langevin(g, kStep + 1, 0.0625, 0.75); },
       .twin = [](const Kernels& k, Group& g) { k.langevin(g, kStep + 1, 0.0625, 0.75); },
       .adds_what_moved = true},
      {.name = "clamped_langevin",
       .call = [](const Kernels& k, Group& g) { k.clipped_langevin(g, kStep, 0.25, 0.5, 0.75, true); },
       .twin = [](const Kernels& k, Group& g) { k.clipped_langevin(g, kStep, 0.25, 0.5, 0.751, true); }},
      {.name = "reflected_clipped_langevin",
       .call = [](const Kernels& k, Group& g) { k.clipped_langevin(g, kStep, 0.25, 0.5, 0.75, false); },
       .twin = [](const Kernels& k, Group& g) { k.clipped_langevin(g, kStep, 0.25, 0.501, 0.75, false); }},
      {.name = "propose_langevin",
       .call = [](const Kernels& k, Group& g) { k.propose_langevin(g, kStep, 0.25, 0.75); },
       .twin = [](const Kernels& k, Group& g) { k.propose_langevin(g, kStep, 0.251, 0.75); }},
      {.name = "add_langevin_ratio",
       .call = [](const Kernels& k, Group& g) { k.add_langevin_ratio(g, 0.25); },
       .twin = [](const Kernels& k, Group& g) { k.add_langevin_ratio(g, 0.251); }},
  };
}

std::vector<Operation> between_levels() {
  return {
      {.name = "flow",
       .call = [](const Kernels& k, Group& g) { k.flow(g, -0.25); },
       .twin = [](const Kernels& k, Group& g) { k.flow(g, -0.2501); }},
      {.name = "blur_given",
       .call = [](const Kernels& k, Group& g) { k.blur_given(g, kStep, 0.75); },
       .twin = [](const Kernels& k, Group& g) { k.blur_given(g, kStep + 1, 0.75); }},
      {.name = "give_back",
       .call =
           [](const Kernels& k, Group& g) {
             k.blur_given(g, kStep, 0.75);
             k.blur_given(g, kStep, 0);
           },
       .twin = [](const Kernels& k, Group& g) { k.blur_given(g, kStep, 0.001); }},
  };
}

std::vector<Operation> isokinetic_steps() {
  return {
      {.name = "normalise_velocity",
       .call = [](const Kernels& k, Group& g) { k.normalise_velocity(g, kNow); },
       .twin = [](const Kernels& k, Group& g) { k.normalise_velocity(g, kThen); },
       .moves_by_sums = true},
      {.name = "isokinetic_kick",
       .call =
           [](const Kernels& k, Group& g) {
             k.normalise_velocity(g, kThen);
             k.isokinetic_kick(g, kNow, kThen, 0.5);
           },
       .twin =
           [](const Kernels& k, Group& g) {
             k.normalise_velocity(g, kThen);
             k.isokinetic_kick(g, kNow, kThen, 0.75);
           },
       .needs_two = true,
       .moves_by_sums = true,
       .adds_what_moved = true},
  };
}

std::vector<Operation> decisions() {
  const Operation::Call nothing = [](const Kernels&, Group&) {};
  return {
      {.name = "freeze_failed",
       .call = [](const Kernels& k, Group& g) { k.freeze_failed(g, kStep); },
       .twin = nothing,
       .takes_huge = true,
       .adds_what_moved = true},
      {.name = "clear_ratio", .call = [](const Kernels& k, Group& g) { k.clear_ratio(g); }, .twin = nothing},
      {.name = "decide",
       .call = [](const Kernels& k, Group& g) { k.decide(g, kStep, false); },
       .twin = [](const Kernels& k, Group& g) { k.decide(g, kStep, true); },
       .takes_huge = true,
       .adds_what_moved = true},
      {.name = "decide_and_flip",
       .call = [](const Kernels& k, Group& g) { k.decide(g, kStep, true); },
       .twin = [](const Kernels& k, Group& g) { k.decide(g, kStep, false); },
       .takes_huge = true,
       .adds_what_moved = true},
      {.name = "begin_energy_error",
       .call = [](const Kernels& k, Group& g) { k.begin_energy_error(g); },
       .twin = nothing},
      {.name = "end_energy_error", .call = [](const Kernels& k, Group& g) { k.end_energy_error(g); }, .twin = nothing},
      {.name = "add_trajectory_slope",
       .call = [](const Kernels& k, Group& g) { k.add_trajectory_slope(g, 0.75); },
       .twin = [](const Kernels& k, Group& g) { k.add_trajectory_slope(g, 0.76); }},
      {.name = "swap_even",
       .call = [](const Kernels& k, Group& g) { k.swap(g, kStep, false); },
       .twin = [](const Kernels& k, Group& g) { k.swap(g, kStep, true); },
       .needs_ladder = true},
      {.name = "swap_odd",
       .call = [](const Kernels& k, Group& g) { k.swap(g, kStep, true); },
       .twin = [](const Kernels& k, Group& g) { k.swap(g, kStep, false); },
       .needs_ladder = true},
  };
}

std::vector<Operation> labels() {
  const auto offers = [](const Kernels& k, Group& g) {
    k.begin_labels(g, g.label_blocks[0]);
    k.offer_label(g, g.label_blocks[0], 1, 2);
  };
  return {
      {.name = "draw_label",
       .call =
           [offers](const Kernels& k, Group& g) {
             offers(k, g);
             k.draw_label(g, g.label_blocks[0], 1, kStep);
           },
       .twin =
           [offers](const Kernels& k, Group& g) {
             offers(k, g);
             k.draw_label(g, g.label_blocks[0], 0, kStep);
           }},
      {.name = "offer_label",
       .call = offers,
       .twin = [](const Kernels& k, Group& g) { k.begin_labels(g, g.label_blocks[0]); }},
  };
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Backend& backend) { return out << backend.name; }
std::ostream& operator<<(std::ostream& out, const Operation& operation) { return out << operation.name; }

std::vector<Operation> operations() {
  std::vector<Operation> all;
  for (const auto& some : {langevin_steps(), between_levels(), splittings(), isokinetic_steps(), decisions(), labels()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

std::string name_of_test(const ::testing::TestParamInfo<std::tuple<Backend, Operation>>& info) {
  return std::get<Backend>(info.param).name + "_" + std::get<Operation>(info.param).name;
}

void KernelsTest::SetUp() {
  const Backend& backend = std::get<Backend>(GetParam());
  if (!backend.missing.empty()) GTEST_SKIP() << backend.missing;
}

TEST_P(KernelsTest, DoesAsTheReferenceAndHasTheBitsOfTheBaseline) {
  const auto& [backend, operation] = GetParam();
  for (const GroupCase& one : cases_of(operation)) {
    const std::vector<GroupNumbers> got = numbers_after(backend, operation.call, RandomGroup(one));
    EXPECT_EQ(unlike_reference(operation, one, got), "") << name_of(one);
    EXPECT_EQ(unlike_baseline(operation, one, backend.adds_like_cpu, got), "") << name_of(one);
  }
}

// The same comparisons see what is nearly the operation.
TEST_P(KernelsTest, SomethingElseIsSeen) {
  const auto& [backend, operation] = GetParam();
  for (const GroupCase& one : cases_of(operation)) {
    const std::vector<GroupNumbers> got = numbers_after(backend, operation.twin, RandomGroup(one));
    EXPECT_NE(unlike_reference(operation, one, got), "") << name_of(one);
  }
}

// Without its tests in this program the suite is a library.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(KernelsTest);

}  // namespace potluck::testing
