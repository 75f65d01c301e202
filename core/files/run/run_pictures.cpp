// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/run_pictures.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/diagnostics/moments.h"
#include "core/error.h"
#include "core/files/formats/array.h"
#include "core/files/formats/png.h"
#include "core/files/formats/write_error.h"
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

/// The recorded variable of that name, which must be a picture's. @returns its index
size_t pictured(const DrawsSchema& schema, const std::string& name) {
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
  return static_cast<size_t>(found - schema.variables.begin());
}

/// From 0 to the largest sd of a free pixel.
GrayRange sd_range(const Gathered& all) {
  double largest = 0;
  for (size_t i = 0; i < all.sd.size(); ++i) {
    if ((all.given.empty() || all.given[i] == 0) && std::isfinite(all.sd[i])) largest = std::max(largest, all.sd[i]);
  }
  return {0, largest > 0 ? largest : 1};
}

class RunPictures final : public DrawsConsumer {
 public:
  RunPictures(DrawsSchema schema, DrawsEnd end, std::filesystem::path run_folder, const std::string& variable,
              std::filesystem::path folder, std::vector<std::filesystem::path>* written)
      : schema_(std::move(schema)),
        end_(std::move(end)),
        run_folder_(std::move(run_folder)),
        folder_(std::move(folder)),
        to_tell_(written),
        place_(pictured(schema_, variable)),
        moments_(schema_.variables[place_].size()) {
    all_.variable = schema_.variables[place_];
    all_.shown = std::min(kMostChains, schema_.chains);
  }

  void take(const Draw& draw) override {
    const int64_t size = all_.variable.size();
    const std::vector<double> values = as_doubles(schema_, all_.variable, draw.position[place_], schema_.chains);
    for (int64_t chain = 0; chain < schema_.chains; ++chain) {
      if (end_.frozen[static_cast<size_t>(chain)] == 0) moments_.add(values.data() + chain * size);
    }
    if (++taken_ == end_.draws) all_.last.assign(values.begin(), values.begin() + all_.shown * size);
  }

  void finish() override {
    if (all_.last.empty()) {
      throw FileError(fmt::format("{}: must have at least one draw, got none. Let the run go on for longer",
                                  draws_folder(run_folder_).string()));
    }
    for (int64_t i = 0; i < all_.variable.size(); ++i) {
      all_.mean.push_back(moments_.mean(i));
      all_.sd.push_back(moments_.sd(i));
    }
    for (const double held : all_.variable.held) all_.given.push_back(std::isnan(held) ? 0 : 1);
    write_all();
    if (to_tell_ != nullptr) *to_tell_ = written_;
  }

 private:
  void write_all() {
    const ImageLayout layout = *image_layout(all_.variable.shape);
    const GrayRange range = picture_range(all_.variable.least, all_.variable.most, all_.last);
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error)
      fail_with(error.value(),
                fmt::format("{}: must be a folder that can be made, got '{}'", folder_.string(), error.message()),
                "Check its name and permissions");
    const auto write = [&](const char* kind, const std::vector<double>& images, int64_t count, const GrayRange& scale,
                           const char* what) {
      const Picture picture = draw_grid(layout, images, count, scale, all_.given, count == 1 ? kSingleSide : kGridSide);
      written_.push_back(folder_ / fmt::format("{}-{}.png", all_.variable.name, kind));
      write_png(written_.back(), picture.height, picture.width, 3, picture.rgb,
                {{"Software", "Potluck"},
                 {"Description", all_.variable.name + what},
                 {"black", fmt::format("{}", scale.black)},
                 {"white", fmt::format("{}", scale.white)}});
    };
    write("chains", all_.last, all_.shown, range, ": last draw of each chain");
    write("mean", all_.mean, 1, range, ": mean over chains and draws");
    write("sd", all_.sd, 1, sd_range(all_), ": standard deviation over chains and draws");
  }

  DrawsSchema schema_;
  DrawsEnd end_;
  std::filesystem::path run_folder_, folder_;
  std::vector<std::filesystem::path> written_;
  std::vector<std::filesystem::path>* to_tell_;
  size_t place_;
  Moments moments_;
  int64_t taken_ = 0;
  Gathered all_;
};

}  // namespace

std::unique_ptr<DrawsConsumer> pictures_of(const DrawsSchema& schema, const DrawsEnd& end,
                                           const std::filesystem::path& run_folder, const std::string& variable,
                                           const std::filesystem::path& folder,
                                           std::vector<std::filesystem::path>* written) {
  return std::make_unique<RunPictures>(schema, end, run_folder, variable, folder, written);
}

std::vector<std::filesystem::path> write_pictures(const std::filesystem::path& run_folder, const std::string& variable,
                                                  const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> written;
  pass_draws(run_folder, [&](const DrawsSchema& schema, const DrawsEnd& end) {
    return pictures_of(schema, end, run_folder, variable, folder, &written);
  });
  return written;
}

}  // namespace potluck
