// SPDX-License-Identifier: Apache-2.0
#include "compose/training/training_log.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "core/error.h"
#include "core/files/formats/write_error.h"

namespace potluck {

namespace {

void add_names(const std::string& prefix, const Figures& figures, std::string& to) {
  for (const auto& [name, value] : figures) to += "," + prefix + name;
}

void add_values(const Figures& figures, std::string& to) {
  for (const auto& [name, value] : figures) to += fmt::format(",{:.9g}", value);
}

}  // namespace

TrainingLog::TrainingLog(const std::filesystem::path& folder, int64_t length)
    : file_(folder / "training.csv"), length_(length) {
  std::error_code failed;
  if (length > 0) std::filesystem::resize_file(file_, static_cast<uintmax_t>(length), failed);
  if (failed) length_ = 0;
  if (length_ == 0) std::ofstream(file_, std::ios::trunc);
}

void TrainingLog::add(const TrainingReport& report) {
  std::string columns = "phase,objective,update,epoch,seconds,rate,gradient_norm,clipped,updates_a_second";
  add_names("", report.progress.figures, columns);
  add_names("held_out_", report.held_out, columns);
  if (columns != columns_ && (length_ == 0 || !columns_.empty())) write(columns);
  columns_ = columns;
  const TrainingProgress& at = report.progress;
  std::string line =
      fmt::format("{},{},{},{},{:.3f},{:.6g},{:.6g},{},{:.4g}", report.phase, report.objective, at.updates, at.epoch,
                  at.seconds, at.rate, at.gradient_norm, at.clipped, report.updates_a_second);
  add_values(at.figures, line);
  add_values(report.held_out, line);
  write(line);
}

void TrainingLog::write(const std::string& line) {
  errno = 0;
  std::ofstream out(file_, std::ios::app);
  out << line << '\n';
  out.close();
  if (!out) fail_with(errno, fmt::format("{} cannot be written", file_.string()), "Look for room on the disk");
  length_ += static_cast<int64_t>(line.size()) + 1;
}

}  // namespace potluck
