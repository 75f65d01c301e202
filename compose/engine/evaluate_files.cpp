// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>

#include "compose/engine/errors.h"
#include "compose/engine/rows_of_points.h"
#include "compose/engine/scores.h"
#include "compose/engine/state.h"
#include "core/files/formats/table_file.h"

namespace potluck::engine {
namespace {

constexpr int64_t kMostRows = 4096;                 ///< that are in memory at once,
constexpr int64_t kMostNumbers = int64_t{1} << 23;  ///< and numbers of these: 64 MB

void check_output(const FileEvaluationOptions& options) {
  if (table_format(options.output).empty())
    throw SettingError("output", fmt::format(" must be a file named .npz, .nc or .csv, got '{}'", options.output));
  if (!options.overwrite && std::filesystem::exists(options.output))
    throw SettingError("output", fmt::format(" must be a new file, got '{}', which is there. Name another, or use "
                                             "--overwrite",
                                             options.output));
}

std::unique_ptr<Scores> scores_of(Composite& composite, const FileEvaluationOptions& options) {
  const Asked asked{options.experts, options.gradient};
  return options.over.empty() ? plain_scores(composite, asked) : scores_over(composite, options.over, asked);
}

std::map<std::string, std::string> attributes_of(const Composite& composite, const FileEvaluationOptions& options) {
  const Composition& composition = composite.composition();
  std::map<std::string, std::string> attributes = {{"potluck", version()},
                                                   {"composition", composition.file()},
                                                   {"composition_resolved", composition.resolved()},
                                                   {"target", composition.target()}};
  if (!options.over.empty()) attributes["over"] = options.over;
  return attributes;
}

/// Adds what the energies of rows that begin at `first` come to.
void count(const std::vector<double>& energy, int64_t rows, int64_t first, FileEvaluation& found) {
  const auto in_a_row = static_cast<int64_t>(energy.size()) / rows;
  for (size_t i = 0; i < energy.size(); ++i) {
    const double one = energy[i];
    if (std::isfinite(one)) {
      found.least = std::isnan(found.least) ? one : std::min(found.least, one);
      found.most = std::isnan(found.most) ? one : std::max(found.most, one);
    } else if (one > 0) {
      ++found.impossible;
    } else {
      if (found.failed++ == 0) found.first_failed = first + static_cast<int64_t>(i) / in_a_row;
    }
  }
}

}  // namespace

FileEvaluation evaluate_files(Composite& composite, const FileEvaluationOptions& options,
                              const std::function<void(int64_t done, int64_t rows)>& progressed,
                              const std::atomic<bool>* stop) {
  return translated([&] {
    check_runs(composite.state(), "evaluate");
    check_output(options);
    RowsOfPoints data(composite.state().session.composition());
    const std::unique_ptr<Scores> scores = scores_of(composite, options);
    const std::unique_ptr<TableFile> file =
        make_table_file(options.output, {data.rows(), scores->columns(), attributes_of(composite, options)});
    const int64_t batch = std::clamp<int64_t>(kMostNumbers / data.numbers(), 1, kMostRows);
    FileEvaluation found;
    found.least = found.most = std::numeric_limits<double>::quiet_NaN();
    for (int64_t rows = 0; found.rows < data.rows(); found.rows += rows) {
      if (stop && *stop) return FileEvaluation{.interrupted = true};
      rows = std::min(batch, data.rows() - found.rows);
      file->append(rows, scores->of(data.next(rows)));
      count(scores->energy(), rows, found.rows, found);
      if (progressed) progressed(found.rows + rows, data.rows());
    }
    file->finish();
    return found;
  });
}

}  // namespace potluck::engine
