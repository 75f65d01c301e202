// SPDX-License-Identifier: Apache-2.0
#include "apps/branch_estimates.h"

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <system_error>

#include "apps/places.h"
#include "compose/content.h"
#include "core/files/atomic_file.h"
#include "core/files/sha256.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;
using Json = nlohmann::ordered_json;

std::string key_of(const std::string& content, const PlanOptions& options) {
  const bool cpu = options.device.kind == Device::Kind::kCpu;
  return sha256_of_text(fmt::format("{} {} {} {}", POTLUCK_VERSION, cpu ? "cpu" : "cuda",
                                    options.precision == Precision::kFloat32 ? "float32" : "float64", content));
}

Json record_of(const UsedEstimate& one) {
  return {{"mixture", one.mixture},
          {"branch", one.branch},
          {"value", one.estimate.log_z},
          {"standard_error", one.estimate.standard_error},
          {"from", one.from},
          {"key", one.key}};
}

UsedEstimate used_of(const Json& record) {
  return {record.at("mixture"),
          record.at("branch"),
          {record.at("value").get<double>(), record.at("standard_error").get<double>()},
          record.at("key"),
          record.at("from")};
}

/// Says every few seconds how far an estimate is.
class SpokenProgress final : public EvidenceObserver {
 public:
  SpokenProgress(const std::function<void(const std::string&)>& say, std::string branch)
      : say_(say), branch_(std::move(branch)) {}

  void progressed(const EvidenceProgress& progress) override {
    const auto now = std::chrono::steady_clock::now();
    if (now - said_ < std::chrono::seconds(5)) return;
    said_ = now;
    say_(progress.repeat == 0
             ? fmt::format("log Z of '{}': pilot run at b = {:.3g}", branch_, progress.beta)
             : fmt::format("log Z of '{}': repeat {} of {}", branch_, progress.repeat, progress.repeats));
  }

 private:
  const std::function<void(const std::string&)>& say_;
  std::string branch_;
  std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();
};

}  // namespace

filesystem::path estimate_folder() {
  const filesystem::path cache = user_cache_folder();
  return cache.empty() ? cache : cache / "log_z";
}

std::vector<UsedEstimate> estimates_of(const Json& record) {
  std::vector<UsedEstimate> all;
  if (!record.contains("log_z")) return all;
  for (const auto& one : record.at("log_z")) all.push_back(used_of(one));
  return all;
}

Json record_of(const std::vector<UsedEstimate>& estimates) {
  Json list = Json::array();
  for (const UsedEstimate& one : estimates) list.push_back(record_of(one));
  return list;
}

bool BranchEstimates::find(Composition& composition, const PlanOptions& options) {
  used_.clear();
  composition.estimates.clear();
  bool all = true;
  asked_ = branches_to_estimate(composition, options);
  for (const BranchToEstimate& asked : asked_) {
    check_estimate(composition, asked, options);
    const std::string content = content_of_branch(composition, *asked.branch);
    if (composition.estimates.count(content) > 0) continue;
    const auto found = kept(key_of(content, options));
    all = all && found;
    if (!found) continue;
    composition.estimates[content] = found->estimate;
    used_.push_back(*found);
    used_.back().mixture = asked.mixture;
    used_.back().branch = asked.branch->energy->name;
  }
  return all;
}

void BranchEstimates::make(Composition& composition, const PlanOptions& options, int threads,
                           const std::function<void(const std::string&)>& say) {
  for (const BranchToEstimate& asked : asked_) {
    const std::string content = content_of_branch(composition, *asked.branch);
    if (composition.estimates.count(content) > 0) continue;
    UsedEstimate made{asked.mixture, asked.branch->energy->name, {}, key_of(content, options), "annealing"};
    say(fmt::format("estimating log Z of branch '{}' of mixture '{}' by annealing", made.branch, made.mixture));
    SpokenProgress progress(say, made.branch);
    made.estimate = estimate_log_z(composition, asked, options, threads, &progress);
    say(fmt::format("log Z of '{}': {:.6g} +- {:.2g}", made.branch, made.estimate.log_z, made.estimate.standard_error));
    composition.estimates[content] = made.estimate;
    keep(made);
    used_.push_back(std::move(made));
  }
}

std::optional<UsedEstimate> BranchEstimates::kept(const std::string& key) const {
  for (const UsedEstimate& one : earlier_)
    if (one.key == key) return UsedEstimate{"", "", one.estimate, key, "the run before"};
  if (folder_.empty()) return {};
  std::ifstream file(folder_ / (key + ".json"));
  if (!file) return {};
  try {
    UsedEstimate found = used_of(Json::parse(file));
    found.from = "cache";
    return found.key == key ? std::optional(found) : std::nullopt;
  } catch (const Json::exception&) {
    return {};  // not ours: made anew, and replaced
  }
}

void BranchEstimates::keep(const UsedEstimate& made) const {
  if (folder_.empty()) return;
  std::error_code failed;
  filesystem::create_directories(folder_, failed);
  try {
    write_whole_file(folder_ / (made.key + ".json"), record_of(made).dump(2) + "\n");
  } catch (const FileError&) {
    // The run has it, and the next one makes it again.
  }
}

}  // namespace potluck
