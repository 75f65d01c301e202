// SPDX-License-Identifier: Apache-2.0
#include "compose/session/branch_estimates.h"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>

#include "compose/experts/kept_log_z.h"
#include "compose/tree/content_key.h"
#include "compose/tree/coordinates.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/formats/json_input.h"
#include "core/files/formats/safetensors.h"
#include "core/files/formats/sha256.h"
#include "core/files/formats/utf8_text.h"
#include "core/files/formats/write_error.h"
#include "core/version.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;
using Json = nlohmann::ordered_json;

std::string key_of(const std::string& content, const PlanOptions& options) {
  const bool cpu = options.device.kind == Device::Kind::kCpu;
  return sha256_of_text(fmt::format("{} {} {} {}", kVersion, cpu ? "cpu" : "cuda",
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

UsedEstimate used_of(const JsonInput<Json>& record) {
  UsedEstimate used{record.at("mixture").text(),
                    record.at("branch").text(),
                    {record.at("value").number(), record.at("standard_error").number()},
                    record.at("key").text(),
                    record.at("from").text()};
  if (!(used.estimate.standard_error > 0)) record.at("standard_error").fail("a number > 0");
  return used;
}

constexpr const char* kChecksum = "sha256";        // of the other keys of a file that is kept, as JSON
constexpr const char* kDraws = "sha256_of_draws";  // the file beside it

Json without_checksum(Json record) {
  record.erase(kChecksum);
  return record;
}

/// @throws FileError where it is not as it was kept
UsedEstimate read_record(const std::filesystem::path& file, const std::string& key, std::string& sha256_of_draws) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) blame_machine(file, errno);
  const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  const Json record = parse_json<Json>(text, file.string());
  const JsonInput<Json> in(record, file.string());
  if (in.at(kChecksum).text() != sha256_of_text(without_checksum(record).dump()))
    throw FileError(fmt::format("{}: must agree with its SHA-256, got another one", file.string()));
  UsedEstimate found = used_of(in);
  if (found.key != key) in.at("key").fail("that of the file's name");
  sha256_of_draws = in.at(kDraws).text();
  return found;
}

/// @throws FileError where it is not as it was kept
std::shared_ptr<const BranchDraws> read_draws(const filesystem::path& file, const std::string& sha256) {
  const Safetensors contents = read_safetensors(file);
  if (sha256_of_file(file) != sha256)
    throw FileError(fmt::format("{}: must agree with its SHA-256, got another one", file.string()));
  auto draws = std::make_shared<BranchDraws>();
  for (const auto& [variable, array] : contents.arrays) {
    draws->rows = array.shape.empty() ? 0 : array.shape.front();
    draws->numbers[variable] = array.as_doubles();
  }
  return draws;
}

void write_draws(const filesystem::path& file, const BranchDraws& draws) {
  Safetensors contents;
  for (const auto& [variable, numbers] : draws.numbers)
    contents.arrays[variable] = Array::of({draws.rows, static_cast<int64_t>(numbers.size()) / draws.rows}, numbers);
  write_safetensors(file, contents);
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

std::vector<UsedEstimate> estimates_of(const Json& record) {
  std::vector<UsedEstimate> all;
  if (!record.contains("log_z")) return all;
  for (const auto& one : JsonInput<Json>(record, "run.json").at("log_z").items()) all.push_back(used_of(one));
  return all;
}

Json record_of(const std::vector<UsedEstimate>& estimates) {
  Json list = Json::array();
  for (const UsedEstimate& one : estimates) list.push_back(record_of(one));
  return list;
}

bool BranchEstimates::find(Composition& composition, const PlanOptions& options) {
  used_.clear();
  damaged_.clear();
  composition.estimates.clear();
  bool all = true;
  asked_ = branches_to_estimate(composition, options);
  for (const BranchToEstimate& asked : asked_) {
    check_estimate(composition, asked, options);
    const std::string content = content_key_of_branch(composition, *asked.branch);
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
  for (const std::string& file : damaged_) say(file + ". It is made anew");
  for (const BranchToEstimate& asked : asked_) {
    const std::string content = content_key_of_branch(composition, *asked.branch);
    if (composition.estimates.count(content) > 0) continue;
    UsedEstimate made;
    made.mixture = asked.mixture;
    made.branch = asked.branch->energy->name;
    made.key = key_of(content, options);
    made.from = "annealing";
    say(fmt::format("estimating log Z of branch '{}' of mixture '{}' by annealing", made.branch, made.mixture));
    SpokenProgress progress(say, made.branch);
    made.estimate = estimate_log_z(composition, asked, options, threads, &progress);
    say(fmt::format("log Z of '{}': {:.6g} +- {:.2g}", made.branch, made.estimate.log_z, made.estimate.standard_error));
    composition.estimates[content] = made.estimate;
    keep(made, say);
    used_.push_back(std::move(made));
  }
}

void BranchEstimates::note_kept(const KnownComposition& known) {
  std::set<const Node*> seen;
  const auto walk = [&](const auto& self, const Node& node) -> void {
    if (!seen.insert(&node).second) return;
    for (const NodePointer& child : children(node)) self(self, *child);
    const auto* mixture = std::get_if<Mixture>(&node.kind);
    if (!mixture || mixture->unnormalised) return;
    for (const Mixture::Branch& branch : mixture->branches) {
      if (branch.weight == 0) continue;
      const LogNormaliser log_z = log_normaliser_of_branch(known.normaliser, branch, known.coordinates.none());
      if (log_z.kept_in.empty()) continue;
      used_.push_back({node.name,
                       branch.energy->name,
                       {log_z.constant, log_z.standard_error},
                       *sha256_for_log_z(std::get<Leaf>(branch.energy->kind)),
                       "weights " + filesystem::path(log_z.kept_in).filename().string()});
    }
  };
  walk(walk, *known.composition.target);
}

std::optional<UsedEstimate> BranchEstimates::kept(const std::string& key) {
  for (const UsedEstimate& one : earlier_) {
    if (one.key != key) continue;
    UsedEstimate found = one;
    found.estimate.draws = std::make_shared<BranchDraws>();
    found.from = "the run before";
    return found;
  }
  if (folder_.empty()) return {};
  std::error_code failed;
  if (!filesystem::is_regular_file(folder_ / (key + ".json"), failed)) return {};
  try {
    return read_kept(key);
  } catch (const FileError& error) {
    damaged_.push_back(error.what());
    return {};
  }
}

UsedEstimate BranchEstimates::read_kept(const std::string& key) const {
  std::string sha256;
  UsedEstimate found = read_record(folder_ / (key + ".json"), key, sha256);
  found.estimate.draws = read_draws(folder_ / (key + ".safetensors"), sha256);
  found.from = "cache";
  return found;
}

/// The draws first: a record stands for both.
void BranchEstimates::keep(const UsedEstimate& made, const std::function<void(const std::string&)>& say) const {
  if (folder_.empty()) return;
  std::error_code failed;
  filesystem::create_directories(folder_, failed);
  try {
    const filesystem::path draws = folder_ / (made.key + ".safetensors");
    write_draws(draws, *made.estimate.draws);
    Json record = utf8_of_bytes_in(record_of(made));
    record[kDraws] = sha256_of_file(draws);
    record[kChecksum] = sha256_of_text(record.dump());
    write_whole_file(folder_ / (made.key + ".json"), record.dump(2) + "\n");
  } catch (const FileError& error) {
    say(fmt::format("{}. This run has the estimate, and the next one makes it again", error.what()));
  }
}

}  // namespace potluck
