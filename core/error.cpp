// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"

namespace potluck {

namespace {

std::string join(const std::vector<Diagnostic>& all) {
  std::string text;
  for (const Diagnostic& one : all) {
    if (!text.empty()) text += '\n';
    const std::string where = to_string(one.where);
    if (!where.empty()) text += where + ": ";
    text += one.text;
  }
  return text;
}

}  // namespace

std::string to_string(const Place& place) {
  std::string text = place.file;
  if (place.line > 0) text += ':' + std::to_string(place.line);
  if (place.line > 0 && place.column > 0) text += ':' + std::to_string(place.column);
  return text;
}

CompositionError::CompositionError(std::vector<Diagnostic> all) : Error(join(all)), all_(std::move(all)) {}

}  // namespace potluck
