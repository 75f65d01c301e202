// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>

#include "apps/belonging.h"
#include "apps/command.h"
#include "apps/command_line.h"
#include "apps/exit_code.h"
#include "apps/joined_record.h"
#include "apps/progress_report.h"
#include "apps/ranks.h"
#include "apps/run_products.h"
#include "apps/run_record.h"
#include "core/files/checkpoint_file.h"
#include "core/files/draws.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

/// What one process of a run left.
struct Part {
  filesystem::path folder;
  RunRecord record;
  std::unique_ptr<DrawsReader> reader;
};

/// @throws FileError where ranks are missing, have not ended alike or are not of one run
std::vector<Part> parts_of(const filesystem::path& run) {
  std::vector<Part> parts;
  int64_t world = 1;
  nlohmann::json first;
  for (int64_t rank = 0; rank < world; ++rank) {
    Part part{rank_folder(run, rank), {}, nullptr};
    part.record = read_record(part.folder);
    if (!part.record.contains("rank"))
      throw FileError(fmt::format("{}: must be a rank of a run, got a run of one process", part.folder.string()));
    const std::string state = part.record.value("state", "");
    if (state != "done" && state != "interrupted") {
      throw FileError(
          fmt::format("{}: a rank to be joined must have ended, got one whose state is '{}'. Go on with "
                      "it: potluck sample --resume {}",
                      part.folder.string(), state, part.folder.string()));
    }
    nlohmann::json belonging = belonging_of(part.record);
    if (rank == 0) world = belonging.at("rank").at("world");
    belonging["rank"]["rank"] = 0;
    belonging["settings"].erase("start");  // says how many of the rank's starts were drawn again
    if (rank == 0) first = belonging;
    const std::vector<std::string> differing = differences(first, belonging);
    if (!differing.empty())
      throw FileError(fmt::format("{}: must be of the same run as {}, got {}", part.folder.string(),
                                  parts[0].folder.string(), differing[0]));
    if (rank > 0 && part.record.at("draws") != parts[0].record.at("draws")) {
      throw FileError(
          fmt::format("{}: must have the {} draws of {}, got {}. Go on with the shorter one: potluck sample --resume",
                      part.folder.string(), parts[0].record.at("draws").get<int64_t>(), parts[0].folder.string(),
                      part.record.at("draws").get<int64_t>()));
    }
    part.reader = std::make_unique<DrawsReader>(part.folder);
    parts.push_back(std::move(part));
  }
  return parts;
}

/// A draw of all chains, put together from those of the ranks.
class JoinedDraw {
 public:
  explicit JoinedDraw(const DrawsSchema& schema)
      : schema_(schema),
        energy_(static_cast<size_t>(schema.chains)),
        acceptance_(energy_.size()),
        expert_energy_(schema.experts.size() * energy_.size()),
        frozen_(energy_.size()),
        diverged_(energy_.size()) {
    for (const RecordedVariable& v : schema.variables) {
      row_bytes_.push_back(static_cast<size_t>(v.size()) *
                           (v.categories > 0 ? sizeof(int64_t) : static_cast<size_t>(bytes_of(schema.precision))));
      position_.emplace_back(energy_.size() * row_bytes_.back());
    }
  }

  void take(const Draw& draw, const DrawsSchema& from) {
    const auto first = static_cast<size_t>(from.first_chain), count = static_cast<size_t>(from.chains);
    std::copy_n(draw.energy, count, energy_.begin() + static_cast<std::ptrdiff_t>(first));
    std::copy_n(draw.acceptance, count, acceptance_.begin() + static_cast<std::ptrdiff_t>(first));
    std::copy_n(draw.frozen, count, frozen_.begin() + static_cast<std::ptrdiff_t>(first));
    std::copy_n(draw.diverged, count, diverged_.begin() + static_cast<std::ptrdiff_t>(first));
    for (size_t e = 0; e < schema_.experts.size(); ++e)
      std::copy_n(draw.expert_energy + e * count, count,
                  expert_energy_.begin() + static_cast<std::ptrdiff_t>(e * energy_.size() + first));
    for (size_t v = 0; v < row_bytes_.size(); ++v)
      std::memcpy(position_[v].data() + first * row_bytes_[v], draw.position[v], count * row_bytes_[v]);
    joined_.index = draw.index;
    joined_.step = draw.step;
  }

  const Draw& draw() {
    joined_.chains = schema_.chains;
    joined_.energy = energy_.data();
    joined_.acceptance = acceptance_.data();
    joined_.expert_energy = expert_energy_.data();
    joined_.frozen = frozen_.data();
    joined_.diverged = diverged_.data();
    joined_.position.clear();
    for (const std::vector<std::byte>& one : position_) joined_.position.push_back(one.data());
    return joined_;
  }

 private:
  const DrawsSchema& schema_;
  std::vector<double> energy_, acceptance_, expert_energy_;
  std::vector<uint8_t> frozen_, diverged_;
  std::vector<size_t> row_bytes_;
  std::vector<std::vector<std::byte>> position_;
  Draw joined_;
};

void join_draws(const filesystem::path& run, std::vector<Part>& parts) {
  DrawsSchema schema = parts[0].reader->schema();
  schema.first_chain = 0;
  schema.chains = parts[0].record.at("chains");
  DrawsWriter writer(run, schema);
  JoinedDraw joined(schema);
  const int64_t draws = parts[0].record.at("draws");
  for (int64_t i = 0; i < draws; ++i) {
    for (Part& part : parts) {
      const Draw* draw = part.reader->next();
      if (draw == nullptr)
        throw FileError(
            fmt::format("{}: must have {} draws, got {}. {}", part.folder.string(), draws, i, part.reader->lost()));
      joined.take(*draw, part.reader->schema());
    }
    writer.append(joined.draw());
  }
  writer.finish();
}

RunRecord record_of(const filesystem::path& run, const std::vector<Part>& parts) {
  std::vector<RankRecord> ranks;
  for (const Part& part : parts) ranks.push_back({&part.record, static_cast<double>(part.reader->schema().chains)});
  RunRecord record = joined_record(ranks);
  record["merged"] = {{"at", time_now()}, {"into", run.string()}};
  return record;
}

}  // namespace

int merge_command(const Words& words) {
  CommandLine line(
      "merge", {"RUN"},
      "Joins what the processes of a run left in RUN/rank-0000, RUN/rank-0001, ... to one run in RUN: the\n"
      "same bits of draws as one process would have drawn. The ranks' folders stay.");
  line.add_flag("overwrite", "make anew what was joined before");
  line.add_flag("quiet", "print errors only");
  if (!line.parse(words)) return kDone;
  const filesystem::path run = line.operand(0);
  std::vector<Part> parts = parts_of(run);
  // Draws without a record are those of a merge that was cut short.
  if (filesystem::exists(run / "run.json") && !line.flag("overwrite"))
    throw FileError(fmt::format("{} must not be joined yet, got one with a run.json. Give --overwrite", run.string()));
  filesystem::remove(run / "run.json");
  filesystem::remove_all(draws_folder(run));
  const bool quiet = line.flag("quiet");

  RunRecord record;
  RunProducts products;
  {
    ProgressReport progress(stderr, quiet ? ProgressReport::Style::kQuiet : ProgressReport::style_for(stderr));
    progress.say("joining draws");
    join_draws(run, parts);
    record = record_of(run, parts);
    products = write_run_products(run, record.value("pictures", std::vector<std::string>()), figures_of(record),
                                  [&](const std::string& text) { progress.say(text); });
  }
  add_verdict(record, products.verdict);
  const DrawsSummary& draws = products.summary;
  write_record(run, record);
  if (quiet) return kDone;
  fmt::print("Joined {} ranks: {} draws of {} chains in {}. {}.\n", parts.size(), draws.draws, draws.chains,
             run.string(), convergence_text(draws));
  for (const std::string& text : branch_texts(draws)) fmt::print("{}\n", text);
  fmt::print("{}\n", products.verdict.text());
  return kDone;
}

}  // namespace potluck
