// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace potluck {

/// What came of opening a plugin for the first time.
struct Verdict {
  bool fit = false;
  std::string reason;   ///< why it is not fit
  bool lasting = true;  ///< false where the machine may be to blame (a missing library, a slow disk): not kept
};

/// Verdicts kept in a folder, one small file for each SHA-256. They hold for the version of the host that gave them.
/// A folder that cannot be read or written only means that plugins are judged again.
class Verdicts {
 public:
  explicit Verdicts(std::filesystem::path folder);  ///< empty: nothing is kept
  std::optional<Verdict> find(const std::string& sha256) const;
  void keep(const std::string& sha256, const Verdict& verdict) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace potluck
