// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/run_pictures.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/diagnostics/moments.h"
#include "core/error.h"
#include "core/files/formats/array.h"
#include "core/files/formats/png.h"
#include "core/files/formats/write_error.h"
#include "core/files/run/draws.h"
#include "core/files/run/picture.h"

namespace potluck {

namespace {

constexpr int64_t kMostChains = 64;
constexpr int64_t kGridSide = 84;  ///< pixels of an image's shorter side, at least
constexpr int64_t kSingleSide = 252;

/// What the draws of one variable leave for its pictures.
struct Gathered {
  RecordedVariable variable;
  std::vector<double> last;  ///< [shown, n]: the last draw of the first chains
  int64_t shown = 0;
  std::vector<double> mean;    ///< [n]
  std::vector<double> sd;      ///< [n]
  std::vector<uint8_t> given;  ///< [n] or empty
};

std::vector<double> as_doubles(const DrawsSchema& schema, const RecordedVariable& variable, const void* position,
                               int64_t chains) {
  std::vector<double> values(static_cast<size_t>(chains * variable.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = variable.categories > 0 ? static_cast<double>(static_cast<const int64_t*>(position)[i])
                : schema.precision == Precision::kFloat32 ? static_cast<double>(static_cast<const float*>(position)[i])
                                                          : static_cast<const double*>(position)[i];
  }
  return values;
}

std::vector<uint8_t> chains_frozen_at_the_end(const std::filesystem::path& run_folder) {
  DrawsReader reader(run_folder);
  std::vector<uint8_t> frozen(static_cast<size_t>(reader.schema().chains), 0);
  while (const Draw* draw = reader.next()) frozen.assign(draw->frozen, draw->frozen + draw->chains);
  return frozen;
}

Gathered gather(const std::filesystem::path& run_folder, const std::string& name) {
  const std::vector<uint8_t> frozen = chains_frozen_at_the_end(run_folder);
  DrawsReader reader(run_folder);
  const DrawsSchema& schema = reader.schema();
  const auto found = std::find_if(schema.variables.begin(), schema.variables.end(),
                                  [&](const RecordedVariable& v) { return v.name == name; });
  if (found == schema.variables.end()) {
    throw SettingError(
        fmt::format("pictures of '{}': must be of a variable that is drawn, got none of that name. Name "
                    "one that is not given whole",
                    name));
  }
  if (!image_layout(found->shape)) {
    throw SettingError(
        fmt::format("pictures of '{}': its shape must be [h, w], [1, h, w], [3, h, w] or [h, w, 3], got "
                    "{}. Leave it out of the pictures",
                    name, shape_text(found->shape)));
  }
  const auto place = static_cast<size_t>(found - schema.variables.begin());
  Gathered all;
  all.variable = *found;
  all.shown = std::min(kMostChains, schema.chains);
  const int64_t size = found->size();
  Moments moments(size);
  while (const Draw* draw = reader.next()) {
    const std::vector<double> values = as_doubles(schema, *found, draw->position[place], schema.chains);
    for (int64_t chain = 0; chain < schema.chains; ++chain) {
      if (frozen[static_cast<size_t>(chain)] == 0) moments.add(values.data() + chain * size);
    }
    all.last.assign(values.begin(), values.begin() + all.shown * size);
  }
  if (all.last.empty()) {
    throw FileError(fmt::format("{}: must have at least one draw, got none. Let the run go on for longer",
                                draws_folder(run_folder).string()));
  }
  for (int64_t i = 0; i < size; ++i) {
    all.mean.push_back(moments.mean(i));
    all.sd.push_back(moments.sd(i));
  }
  for (const double held : found->held) all.given.push_back(std::isnan(held) ? 0 : 1);
  return all;
}

/// From 0 to the largest sd of a free pixel.
GrayRange sd_range(const Gathered& all) {
  double largest = 0;
  for (size_t i = 0; i < all.sd.size(); ++i) {
    if ((all.given.empty() || all.given[i] == 0) && std::isfinite(all.sd[i])) largest = std::max(largest, all.sd[i]);
  }
  return {0, largest > 0 ? largest : 1};
}

}  // namespace

std::vector<std::filesystem::path> write_pictures(const std::filesystem::path& run_folder, const std::string& variable,
                                                  const std::filesystem::path& folder) {
  const Gathered all = gather(run_folder, variable);
  const ImageLayout layout = *image_layout(all.variable.shape);
  const GrayRange range = picture_range(all.variable.least, all.variable.most, all.last);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    fail_with(error.value(),
              fmt::format("{}: must be a folder that can be made, got '{}'", folder.string(), error.message()),
              "Check its name and permissions");
  std::vector<std::filesystem::path> written;
  const auto write = [&](const char* kind, const std::vector<double>& images, int64_t count, const GrayRange& scale,
                         const char* what) {
    const Picture picture = draw_grid(layout, images, count, scale, all.given, count == 1 ? kSingleSide : kGridSide);
    written.push_back(folder / fmt::format("{}-{}.png", variable, kind));
    write_png(written.back(), picture.height, picture.width, 3, picture.rgb,
              {{"Software", "Potluck"},
               {"Description", variable + what},
               {"black", fmt::format("{}", scale.black)},
               {"white", fmt::format("{}", scale.white)}});
  };
  write("chains", all.last, all.shown, range, ": last draw of each chain");
  write("mean", all.mean, 1, range, ": mean over chains and draws");
  write("sd", all.sd, 1, sd_range(all), ": standard deviation over chains and draws");
  return written;
}

}  // namespace potluck
