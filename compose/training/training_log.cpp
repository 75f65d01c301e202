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

constexpr const char* kFirstColumns =
    "phase,objective,update,epoch,seconds,rate,gradient_norm,clipped,updates_a_second";

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
  columns_ = last_heading();
}

/// Of a log that is gone on with.
std::string TrainingLog::last_heading() const {
  std::ifstream log(file_);
  std::string heading;
  for (std::string line; std::getline(log, line);)
    if (line.starts_with(kFirstColumns)) heading = line;
  return heading;
}

void TrainingLog::add(const TrainingReport& report) {
  std::string columns = kFirstColumns;
  add_names("", report.progress.figures, columns);
  add_names("held_out_", report.held_out, columns);
  if (report.watches_held_out) columns += ",held_out_auroc";
  if (report.sample_seconds) columns += ",sample_seconds";
  if (columns != columns_) write(columns);
  columns_ = columns;
  const TrainingProgress& at = report.progress;
  std::string line =
      fmt::format("{},{},{},{},{:.3f},{:.6g},{:.6g},{},{:.4g}", report.phase, report.objective, at.updates, at.epoch,
                  at.seconds, at.rate, at.gradient_norm, at.clipped, report.updates_a_second);
  add_values(at.figures, line);
  add_values(report.held_out, line);
  if (report.watches_held_out) line += ',';
  if (report.held_out_auroc) line += fmt::format("{:.4f}", report.held_out_auroc->value);
  if (report.sample_seconds) line += fmt::format(",{:.3f}", *report.sample_seconds);
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
