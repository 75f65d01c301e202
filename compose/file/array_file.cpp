// SPDX-License-Identifier: Apache-2.0
#include "compose/file/array_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "compose/tree/diagnostics.h"
#include "core/files/formats/safetensors.h"

namespace potluck {

ArrayFormat array_format_of(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (name.ends_with(".npy")) return ArrayFormat::kNpy;
  if (name.ends_with(".safetensors")) return ArrayFormat::kSafetensors;
  if (name.ends_with(".png")) return ArrayFormat::kPng;
  if (name.ends_with(".csv")) return ArrayFormat::kCsv;
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  if (name.ends_with(".idx") || name.ends_with("-ubyte") || name.ends_with(".ubyte")) return ArrayFormat::kIdx;
  return ArrayFormat::kUnknown;
}

Array read_safetensors_array(const std::filesystem::path& path, const std::optional<std::string>& name,
                             const std::string& written) {
  Safetensors contents = read_safetensors(path);
  std::vector<std::string> names;
  for (const auto& [key, array] : contents.arrays) names.push_back(key);
  if (!name && names.size() == 1) return std::move(contents.arrays.begin()->second);
  if (!name)
    throw FileError(fmt::format("{}: 'array' must say which of its {} arrays is meant. Known: {}", path.string(),
                                names.size(), joined(names)));
  const auto found = contents.arrays.find(*name);
  if (found == contents.arrays.end())
    throw SettingError("",
                       fmt::format("{}: array must be one that it holds, got {}. {}", path.string(), written,
                                   suggestion(*name, names)),
                       nearest(*name, names));
  return std::move(found->second);
}

bool same_but_for_a_channel(const std::vector<int64_t>& source, const std::vector<int64_t>& variable, bool planes) {
  const std::vector<int64_t>& longer = source.size() > variable.size() ? source : variable;
  const std::vector<int64_t>& shorter = source.size() > variable.size() ? variable : source;
  if (shorter.size() != 2 || longer.size() != 3) return false;
  if (longer.back() == 1 && std::equal(shorter.begin(), shorter.end(), longer.begin())) return true;
  return planes && longer.front() == 1 && std::equal(shorter.begin(), shorter.end(), longer.begin() + 1);
}

std::string advice_on_scale(double maximum) {
  return maximum <= 65535 ? fmt::format("scale: 1/{:.16g} for numbers in 0 ... 1, or scale: 1", maximum)
                          : "scale: 1 for the numbers as they are";
}

}  // namespace potluck
