// SPDX-License-Identifier: Apache-2.0
// A plugin for the tests of the command: models that are quick, slow, failing or nowhere finite.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <potluck/model.hpp>
#include <stdexcept>
#include <thread>

using namespace potluck::plugin;

namespace {

/// Notes in the file POTLUCK_TEST_LOG which process opens this library.
[[maybe_unused]] const bool kNoted = [] {
  if (const char* log = std::getenv("POTLUCK_TEST_LOG"))
    std::ofstream(log, std::ios::app) << "opened test_bench " << getpid() << '\n';
  return true;
}();

/// E = strength |x|^2 / 2
template <class Real>
double bowl_energy(const Row<Real>& row, double strength) {
  const auto x = row.input();
  const auto gradient = row.gradient();
  double energy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    energy += 0.5 * strength * static_cast<double>(x[i]) * static_cast<double>(x[i]);
    if (!gradient.empty()) gradient[i] = static_cast<Real>(strength) * x[i];
  }
  return energy;
}

Facts bowl_facts() {
  Facts facts;
  facts.least_energy = 0;
  facts.integrable = true;
  facts.bounded_on_boxes = true;
  return facts;
}

class Bowl {
 public:
  static constexpr const char* name = "test_bench.bowl";
  static constexpr const char* summary = "A bowl";
  static constexpr const char* reference = "Hooke 1678";
  static constexpr Setting settings[] = {real("strength", "how steep").at_least(0).preset("1").unit("1/length^2"),
                                         choice("side", {"inner", "outer"}, "no effect").preset("inner")};
  explicit Bowl(const Setup& setup) : strength_(setup.real("strength")) {}
  Facts facts() const { return bowl_facts(); }
  template <class Real>
  double energy(const Row<Real>& row) const {
    return bowl_energy(row, strength_);
  }

 private:
  double strength_;
};

/// POTLUCK_TEST_KILL_AT=n: this process is killed at its n-th evaluation of a tile.
void count_evaluation() {
  static const char* at = std::getenv("POTLUCK_TEST_KILL_AT");
  static std::atomic<int64_t> left = at ? std::atoll(at) : 0;
  if (at && left.fetch_sub(1) == 1) kill(getpid(), SIGKILL);
}

class Slow {
 public:
  static constexpr const char* name = "test_bench.slow";
  static constexpr const char* summary = "A bowl that takes its time";
  static constexpr Setting settings[] = {integer("pause", "of every evaluation").at_least(0).preset("1000").unit("us")};
  explicit Slow(const Setup& setup) : pause_(setup.integer("pause")) {}
  Facts facts() const { return bowl_facts(); }
  template <class Real>
  double energy(const Row<Real>& row) const {
    if (row.index() == 0) count_evaluation();
    if (row.index() == 0) std::this_thread::sleep_for(std::chrono::microseconds(pause_));
    return bowl_energy(row, 1);
  }

 private:
  int64_t pause_;
};

class Failing {
 public:
  static constexpr const char* name = "test_bench.failing";
  static constexpr const char* summary = "A bowl that fails after some rows";
  static constexpr Setting settings[] = {integer("rows", "how many it evaluates before it fails").at_least(0)};
  explicit Failing(const Setup& setup) : left_(setup.integer("rows")) {}
  Facts facts() const { return bowl_facts(); }
  template <class Real>
  double energy(const Row<Real>& row) const {
    if (left_.fetch_sub(1) <= 0) throw std::runtime_error("ran out of porridge");
    return bowl_energy(row, 1);
  }

 private:
  mutable std::atomic<int64_t> left_;
};

class Nowhere {
 public:
  static constexpr const char* name = "test_bench.nowhere";
  static constexpr const char* summary = "Not a number anywhere";
  explicit Nowhere(const Setup&) {}
  Facts facts() const { return bowl_facts(); }
  template <class Real>
  double energy(const Row<Real>& row) const {
    bowl_energy(row, 1);
    return std::numeric_limits<double>::quiet_NaN();
  }
};

}  // namespace

POTLUCK_EXPORT_PLUGIN("test_bench", "1.2.3", "Apache-2.0", "Potluck's tests", "Models to test the command with", Bowl,
                      Slow, Failing, Nowhere);
