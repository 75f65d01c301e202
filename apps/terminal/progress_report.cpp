// SPDX-License-Identifier: Apache-2.0
#include "apps/terminal/progress_report.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "apps/process/standard_streams.h"

namespace potluck {
namespace {

using namespace std::chrono_literals;

constexpr auto kBarPause = 100ms;
// The first lines come soon, so that nobody wonders; later ones at most this far apart.
constexpr auto kFirstLine = 2s;
constexpr auto kMostPause = 30s;

size_t terminal_width(std::FILE* out) {
  winsize size = {};
  if (ioctl(descriptor_of(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

/// "840 gradients/s", "12.3 thousand gradients/s", "4.57 million gradients/s"
std::string rate_text(double gradients) {
  const auto scaled = [](double number, const char* unit) { return fmt::format("{:.3g}{} gradients/s", number, unit); };
  if (gradients < 999.5) return scaled(gradients, "");
  if (gradients < 999.5e3) return scaled(gradients / 1e3, " thousand");
  if (gradients < 999.5e6) return scaled(gradients / 1e6, " million");
  return scaled(gradients / 1e9, " billion");
}

/// What the steps cost, where that is more than a gradient each.
std::string gradients_text(const engine::Progress& progress) {
  if (!progress.leapfrogs && progress.gradients_a_step == 1) return "";
  std::string text =
      fmt::format(", {:.1f} {} a step", progress.gradients_a_step, progress.leapfrogs ? "leapfrogs" : "gradients");
  if (const double rate = progress.gradients_a_second; std::isfinite(rate)) text += ", " + rate_text(rate);
  return text;
}

}  // namespace

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "unknown time";
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string progress_text(const engine::Progress& progress) {
  std::string text =
      fmt::format("{} {}/{} steps", progress.warmup ? "warm-up" : "sampling", progress.done, progress.total);
  if (const double rate = progress.steps_a_second; std::isfinite(rate)) {
    text += fmt::format(", {:.{}f} steps/s", rate, rate < 10 ? 1 : 0);
    if (progress.done < progress.total) text += fmt::format(", {} left", duration_text(progress.seconds_left));
  }
  // Not known in a warm-up that tunes nothing.
  if (std::isfinite(progress.acceptance)) text += fmt::format(", acceptance {:.2f}", progress.acceptance);
  text += gradients_text(progress);
  if (progress.frozen > 0) text += fmt::format(", {} chains frozen", progress.frozen);
  return text;
}

ProgressReport::ProgressReport(std::FILE* out, Style style)
    : out_(out),
      style_(style),
      last_(style == Style::kBar ? Clock::time_point{} : Clock::now()),
      pause_(style == Style::kBar ? Clock::duration(kBarPause) : Clock::duration(kFirstLine)) {}

ProgressReport::~ProgressReport() { clear_bar(); }

ProgressReport::Style ProgressReport::style_for(std::FILE* out) {
  return isatty(descriptor_of(out)) != 0 ? Style::kBar : Style::kLines;
}

void ProgressReport::progressed(const engine::Progress& progress) {
  const double share =
      progress.total > 0 ? static_cast<double>(progress.done) / static_cast<double>(progress.total) : 1;
  show(progress_text(progress), share, progress.done >= progress.total);
}

void ProgressReport::show(const std::string& text, double share, bool phase_ended) {
  if (style_ == Style::kQuiet) return;
  const Clock::time_point now = Clock::now();
  if (!phase_ended && now - last_ < pause_) return;
  last_ = now;
  if (style_ == Style::kBar) return draw_bar(text, share);
  fmt::print(out_, "{}\n", text);
  std::fflush(out_);
  if (!phase_ended) pause_ = std::min<Clock::duration>(2 * pause_, kMostPause);
}

void ProgressReport::say(const std::string& text) {
  if (style_ == Style::kQuiet) return;
  clear_bar();
  fmt::print(out_, "{}{}", text, style_ == Style::kBar ? "" : "\n");
  std::fflush(out_);
  bar_shown_ = style_ == Style::kBar;
}

void ProgressReport::draw_bar(const std::string& text, double share) {
  const size_t width = terminal_width(out_);
  std::string line;
  // "[====    ] text", the bar in what room is left of the line.
  if (width > text.size() + 14 && std::isfinite(share)) {
    const size_t cells = std::min<size_t>(30, width - text.size() - 4);
    const size_t full = std::min(cells, static_cast<size_t>(share * static_cast<double>(cells)));
    line = fmt::format("[{:=<{}}{:<{}}] ", "", full, "", cells - full);
  }
  line += text;
  line.resize(std::min(line.size(), width - 1));
  clear_bar();
  std::fwrite(line.data(), 1, line.size(), out_);
  std::fflush(out_);
  bar_shown_ = true;
}

void ProgressReport::clear_bar() {
  if (!bar_shown_) return;
  std::fputs("\r\x1b[K", out_);
  std::fflush(out_);
  bar_shown_ = false;
}

}  // namespace potluck
