// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "compose/comparison/compared_rows.h"
#include "compose/engine/comparison_report.h"
#include "compose/engine/errors.h"
#include "compose/engine/paths.h"
#include "core/backend/thread_pool.h"
#include "core/comparison/energy_distance.h"
#include "core/comparison/frechet_distance.h"
#include "core/comparison/holm.h"
#include "core/comparison/maximum_mean_discrepancy.h"
#include "core/comparison/nearest_neighbour_test.h"
#include "core/comparison/pair_distances.h"
#include "core/comparison/sliced_wasserstein.h"
#include "core/comparison/stein_discrepancy.h"
#include "core/error.h"
#include "core/files/formats/array.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/formats/sha256.h"
#include "core/learning/data/shuffle.h"
#include "core/random/philox.h"
#include "plugins/feature_networks.h"
#include "potluck/engine.h"

namespace potluck::engine {
namespace {

/// Distances of all pairs take 4 N^2 bytes: 6.4 GB.
constexpr int64_t kMostRows = 20000;

void check_output(const ComparisonOptions& options) {
  check_path(options.output, "output");
  if (!options.output.empty() && !options.overwrite && std::filesystem::exists(options.output))
    throw SettingError("output", fmt::format(" must be a new file, got '{}', which is there. Name another, or use "
                                             "--overwrite",
                                             options.output));
}

void check_options(const ComparisonOptions& options) {
  const auto within = [](const char* name, int64_t value, int64_t least, int64_t most) {
    if (value < least || value > most)
      throw SettingError(name, fmt::format(" must be {} ... {}, got {}", least, most, value));
  };
  within("rows", options.rows, kLeastComparedRows, kMostRows);
  within("permutations", options.permutations, kLeastPermutations, 100000);
  within("directions", options.directions, 1, 100000);
  if (options.threads < 0) throw SettingError("threads", fmt::format(" must be >= 0, got {}", options.threads));
  check_path(options.features, "features");
  if (!options.features.empty()) check_given_path(options.feature_library, "feature_library");
}

Comparison::Side told(const ComparedRows& rows) {
  Comparison::Side side;
  side.written = rows.written;
  side.run = rows.run.has_value();
  side.variable = rows.variable;
  side.there = rows.there;
  side.usable = rows.usable;
  side.rows = rows.rows.count();
  side.chains = rows.chains;
  side.effective = rows.effective;
  return side;
}

Comparison::Measure told(const char* name, const char* title, const Resampled& found, std::string note = "") {
  return {name, title, found.value, found.level, found.p, std::nullopt, std::move(note)};
}

/// One comparison on its way.
class Comparing {
 public:
  Comparing(const ComparedRows& first, const ComparedRows& second, const ComparisonOptions& options,
            const std::function<void(const std::string&)>& progressed)
      : first_(first),
        second_(second),
        options_(options),
        progressed_(progressed),
        threads_(options.threads > 0 ? options.threads : usable_threads()) {
    found_.first = told(first);
    found_.second = told(second);
    found_.shape = first.shape;
    for (const ComparedRows* side : {&first, &second})
      found_.warnings.insert(found_.warnings.end(), side->warnings.begin(), side->warnings.end());
  }

  void measure_tests() {
    say("the distances of all pairs");
    const Rows both = pooled(first_.rows, second_.rows);
    const PairDistances distances(both, threads_);
    const Relabellings relabellings(first_.rows.count(), second_.rows.count(), options_.permutations, options_.seed);
    say("MMD");
    add(told("mmd_squared", "squared MMD", maximum_mean_discrepancy(distances, relabellings, threads_)));
    say("the energy distance");
    add(told("energy_distance", "energy distance", energy_distance(distances, relabellings, threads_)));
    say("the sliced Wasserstein distance");
    add(told("sliced_wasserstein_squared", "squared sliced Wasserstein distance",
             sliced_wasserstein(both, relabellings, options_.directions, options_.seed, threads_)));
    say("the classifier's accuracy");
    const ClassifierTest classifier = nearest_neighbour_test(distances, first_.rows.count(), options_.seed, threads_);
    add({"classifier_accuracy", "classifier accuracy", classifier.accuracy, classifier.level, classifier.p,
         std::nullopt,
         fmt::format("of {} neighbours, {} rows judged, standard error {:.2g} by chance", classifier.neighbours,
                     classifier.judged, classifier.standard_error)});
  }

  void measure_frechet() {
    const int64_t fewest = std::min(first_.rows.count(), second_.rows.count());
    if (2 * first_.rows.size < fewest)
      add_frechet("frechet_squared", "squared Frechet distance", "the numbers", first_.rows, second_.rows);
    else
      miss("squared Frechet distance",
           fmt::format("rows of {} numbers need more than {} rows on either side for a covariance, got {}",
                       first_.rows.size, 2 * first_.rows.size, fewest));
    if (options_.features.empty()) return;
    say("features");
    std::unique_ptr<FeatureNetwork> network;
    OpenFeatureNetwork* const open = open_feature_networks(options_.feature_library);
    try {
      network = open(options_.features);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      const std::string words = error.what();
      throw SettingError("features",
                         fmt::format(" must be a network in TorchScript, got '{}', which cannot be read: {}. "
                                     "Write it with torch.jit.script or torch.jit.trace",
                                     options_.features, words.substr(0, words.find('\n'))));
    }
    const Rows features_first = features_of(*network, first_.rows, first_.shape, options_.features);
    const Rows features_second = features_of(*network, second_.rows, first_.shape, options_.features);
    if (features_first.size != features_second.size)
      throw SettingError("features", fmt::format(": {} must give as many features of every row, {}, got {}",
                                                 options_.features, features_first.size, features_second.size));
    add_frechet("frechet_squared_of_features", "squared Frechet distance of features",
                fmt::format("{} features", features_first.size), features_first, features_second);
    if (2 * features_first.size >= fewest)
      found_.warnings.push_back(
          fmt::format("the Frechet distance of {} features is of covariances that {} rows hardly "
                      "tell: it is large whatever the laws are. Compare it with its floor only",
                      features_first.size, fewest));
  }

  void miss(const char* title, const std::string& why) { found_.missing.push_back({title, why}); }

  /// @param scores  of rows, [rows, D]
  void measure_stein(const std::vector<double>& of_draws, const std::vector<double>& of_data) {
    say("the Stein discrepancies");
    const auto of = [&](const Rows& rows, const std::vector<double>& scores) {
      return stein_discrepancy(rows, scores, options_.permutations, options_.seed, threads_);
    };
    add(told("stein_discrepancy_of_draws", "Stein discrepancy of the draws", of(first_.rows, of_draws),
             "from the run's target"));
    add(told("stein_discrepancy_of_data", "Stein discrepancy of the data", of(second_.rows, of_data),
             "from the run's target"));
  }

  Comparison finish() {
    adjust(true);
    adjust(false);
    for (const Comparison::Measure& one : found_.measures)
      if (is_between_sides(one) && one.adjusted && *one.adjusted <= kTestLevel) found_.differs = true;
    found_.sentence = sentence_of(found_);
    found_.json = json_of(found_, options_);
    return std::move(found_);
  }

 private:
  void say(const std::string& what) const {
    if (progressed_) progressed_(what);
  }
  void add(Comparison::Measure measure) { found_.measures.push_back(std::move(measure)); }

  /// The distance, and of two halves of the second side what it comes to where both are of one law.
  void add_frechet(const std::string& name, const std::string& title, const std::string& of, const Rows& first,
                   const Rows& second) {
    say("the Frechet distance");
    Rows halves[2];
    const std::vector<int64_t> order =
        shuffled(second.count(),
                 {.seed = options_.seed, .variable = variable_key("comparison.halves"), .purpose = Purpose::kShuffle});
    for (size_t i = 0; i < order.size(); ++i) {
      Rows& half = halves[i % 2];
      half.size = second.size;
      const double* row = second.row(order[i]);
      half.values.insert(half.values.end(), row, row + second.size);
    }
    const double floor = squared_frechet_distance(halves[0], halves[1]);
    add({name,
         title,
         squared_frechet_distance(first, second),
         {},
         {},
         {},
         fmt::format("of normal laws fitted to {}; two halves of the data are {:.3g} apart, of half as many rows", of,
                     floor)});
    add({name + "_floor", title + ", floor", floor, {}, {}, {}, "of two halves of the data"});
  }

  /// Holm over the tests of one question.
  void adjust(bool between_sides) {
    std::vector<double> p;
    std::vector<Comparison::Measure*> of;
    for (Comparison::Measure& one : found_.measures)
      if (one.p && is_between_sides(one) == between_sides) {
        p.push_back(*one.p);
        of.push_back(&one);
      }
    const std::vector<double> adjusted = holm(p);
    for (size_t i = 0; i < of.size(); ++i) of[i]->adjusted = adjusted[i];
  }

  const ComparedRows& first_;
  const ComparedRows& second_;
  const ComparisonOptions& options_;
  const std::function<void(const std::string&)>& progressed_;
  ThreadPool threads_;
  Comparison found_;
};

/// The scores of the target of a run, -dE/dx / T.
class TargetOfRun {
 public:
  /// @throws Error where its composition cannot be made ready
  TargetOfRun(const ComparedRows& run, Plugins& plugins, int threads)
      : variable_(run.variable),
        temperature_(run.run->temperature.value_or(1)),
        composite_(Composition::from_text(run.run->surroundings.composition, plugins,
                                          {.at = {{run.variable, "", "the run's target"}}}, {"cpu", threads},
                                          run.run->file.empty() ? "composition" : run.run->file)) {}

  std::vector<double> scores(const Rows& rows) {
    const Evaluation there =
        composite_.evaluate({.rows = rows.count(), .values = {{variable_, std::span<const double>(rows.values)}}});
    std::vector<double> scores = there.gradient.at(variable_);
    for (double& one : scores) {
      one = -one / temperature_;
      if (!std::isfinite(one)) throw NumericalError("its gradient is not finite at some row");
    }
    return scores;
  }

 private:
  std::string variable_;
  double temperature_;
  Composite composite_;
};

/// Why the target of a run cannot be had where its files are looked at; empty: nothing speaks against it.
std::string why_no_target(const ComparedRows& run, const Plugins* plugins) {
  if (!run.run) return "the first side is no run, and has no target";
  if (!run.no_target.empty()) return run.no_target;
  if (plugins == nullptr) return "there are no plugins to make the run's target with";
  const Surroundings& made_of = run.run->surroundings;
  if (made_of.composition.empty()) return "the run keeps no composition";
  for (const auto& [file, hash] : made_of.files) {
    // The composition itself is in the record.
    if (file.ends_with(".yaml") || file.ends_with(".yml")) continue;
    try {
      if (sha256_of_file(file) != hash) return fmt::format("'{}' has changed since the run", file);
    } catch (const FileError&) {
      return fmt::format("'{}' of the run cannot be read any more", file);
    }
  }
  return "";
}

void add_stein(const ComparedRows& first, const ComparedRows& second, const ComparisonOptions& options,
               Plugins* plugins, Comparing& comparing) {
  std::string why = options.gradients ? why_no_target(first, plugins) : "it was not asked for (--no-gradients)";
  if (why.empty()) {
    try {
      TargetOfRun target(first, *plugins, options.threads);
      const std::vector<double> of_draws = target.scores(first.rows), of_data = target.scores(second.rows);
      comparing.measure_stein(of_draws, of_data);
      return;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      const std::string words = error.what();
      why = "the run's target cannot be evaluated: " + words.substr(0, words.find('\n'));
    }
  }
  comparing.miss("Stein discrepancy", why);
}

}  // namespace

Comparison compare(const std::string& first, const std::string& second, const ComparisonOptions& options,
                   Plugins* plugins, const std::function<void(const std::string&)>& progressed) {
  return translated([&] {
    check_given_path(first, "RUN");
    check_given_path(second, "DATA");
    check_options(options);
    check_output(options);
    const RowsChoice choice{options.variable, options.rows, options.seed};
    const ComparedRows one = read_compared(first, "RUN", choice, 0);
    const ComparedRows other = read_compared(second, "DATA", choice, 1);
    if (!options.variable.empty() && !one.run && !other.run)
      throw SettingError("variable", fmt::format(" must stand with a run, got '{}' and two files", options.variable));
    check_comparable(one, other);
    Comparing comparing(one, other, options, progressed);
    comparing.measure_tests();
    comparing.measure_frechet();
    add_stein(one, other, options, plugins, comparing);
    Comparison found = comparing.finish();
    if (!options.output.empty()) write_whole_file(options.output, found.json);
    return found;
  });
}

}  // namespace potluck::engine
