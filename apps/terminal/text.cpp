// SPDX-License-Identifier: Apache-2.0
#include "apps/terminal/text.h"

#include <algorithm>

namespace potluck {

std::string plural(int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string columns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line(1, ' ');
    for (size_t c = 0; c < row.size(); ++c) {
      line.append(1, ' ').append(row[c]);
      if (c + 1 < row.size()) line.append(widths[c] - row[c].size() + 1, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string worth_text(const engine::Products& products) {
  std::string text;
  for (const std::string& branch : products.branches) text += branch + "\n";
  if (products.verdict) text += products.verdict->text + "\n";
  return text;
}

std::string settings_table(const std::vector<engine::Setting>& settings) {
  if (settings.empty()) return "  none\n";
  std::vector<std::vector<std::string>> rows;
  for (const engine::Setting& setting : settings)
    rows.push_back({setting.name, setting.range, setting.unit == "1" ? "" : setting.unit, setting.summary});
  return columns(rows);
}

}  // namespace potluck
