// SPDX-License-Identifier: Apache-2.0
#include "compose/record/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include "compose/record/merged_facts.h"
#include "compose/record/run_course.h"
#include "compose/record/run_folder.h"
#include "compose/record/run_identity.h"
#include "compose/record/run_record.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/formats/write_error.h"
#include "core/files/run/draws.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

/// What one process of a run left, held so that none goes on with it.
struct Part {
  filesystem::path folder;
  std::unique_ptr<RunFolder> held;
  RunFacts facts;
  std::unique_ptr<DrawsReader> reader;
};

/// @throws FileError where `folder` does not say that it is rank `rank` of `world` processes; 0: of any number
int64_t check_rank(const filesystem::path& folder, const RunFacts& facts, int64_t rank, int64_t world) {
  if (!facts.rank || !facts.sampling)
    throw FileError(fmt::format("{}: must be a rank of a run, got a run of one process", folder.string()));
  const auto [own, own_world] = *facts.rank;
  if (own != rank || own_world <= rank || (world > 0 && own_world != world))
    throw FileError(fmt::format("{}: must be rank {}{}, got rank {} of {}. Put the folder of that rank there",
                                folder.string(), rank, world > 0 ? fmt::format(" of {}", world) : "", own, own_world));
  return own_world;
}

void check_ended(const filesystem::path& folder, const RunFacts& facts) {
  const std::string& state = facts.standing.state;
  if ((state != "done" && state != "interrupted") || !facts.end) {
    throw FileError(fmt::format(
        "{}: a rank to be joined must have ended, got one whose state is '{}'. Resume it: potluck sample --resume {}",
        folder.string(), state, folder.string()));
  }
}

/// Draws of both can stand beside each other.
void check_like(const Part& part, const Part& first) {
  const DrawsSchema &a = part.reader->schema(), &b = first.reader->schema();
  const auto same_variable = [](const RecordedVariable& one, const RecordedVariable& other) {
    return one.name == other.name && one.shape == other.shape && one.categories == other.categories;
  };
  const bool same =
      std::equal(a.variables.begin(), a.variables.end(), b.variables.begin(), b.variables.end(), same_variable) &&
      a.experts == b.experts && a.precision == b.precision && a.thin == b.thin && a.seed == b.seed &&
      a.warmup == b.warmup && a.temperature == b.temperature && a.method == b.method;
  if (!same)
    throw FileError(fmt::format("{}: must have draws of the same run as {}, got others", part.folder.string(),
                                first.folder.string()));
}

/// @throws FileError where the ranks' draws are not of chains 0 to all, each once
void check_chains(const std::vector<Part>& parts, int64_t chains) {
  int64_t next = 0;
  for (const Part& part : parts) {
    const DrawsSchema& own = part.reader->schema();
    if (own.first_chain != next || own.chains > chains - next)
      throw FileError(fmt::format("{}: must have draws of chains from {} on, of {} in all, got chains {} to {}",
                                  part.folder.string(), next, chains, own.first_chain,
                                  own.first_chain + own.chains - 1));
    next += own.chains;
  }
  if (next != chains)
    throw FileError(fmt::format("{}: must have draws of all chains up to the last, {}, got the last one {}",
                                parts.back().folder.string(), chains - 1, next - 1));
}

/// @throws FileError where ranks are missing, have not ended alike, are not of one run or are not all of it
std::vector<Part> parts_of(const filesystem::path& run) {
  std::vector<Part> parts;
  int64_t world = 0;
  nlohmann::json first;
  for (int64_t rank = 0; rank < std::max<int64_t>(world, 1); ++rank) {
    Part part;
    part.folder = rank_folder(run, rank);
    part.held = std::make_unique<RunFolder>(part.folder);
    part.facts = read_record(part.folder);
    world = check_rank(part.folder, part.facts, rank, world);
    check_ended(part.folder, part.facts);
    nlohmann::json identity = run_identity(part.facts);
    identity["rank"]["rank"] = 0;
    identity["settings"].erase("start");  // says how many of the rank's starts were drawn again
    if (rank == 0) first = identity;
    const std::string name = part.folder.filename().string();
    const std::vector<std::string> differing =
        differences(first, identity, {.first = "in " + rank_folder("", 0).string(), .second = "in " + name});
    if (!differing.empty())
      throw FileError(fmt::format("{}: must be of the same run as {}, got {}", part.folder.string(),
                                  parts[0].folder.string(), differing[0]));
    if (rank > 0 && part.facts.end->draws != parts[0].facts.end->draws) {
      throw FileError(fmt::format(
          "{}: must have the {} draws of {}, got {}. Resume the shorter one: potluck sample --resume",
          part.folder.string(), parts[0].facts.end->draws, parts[0].folder.string(), part.facts.end->draws));
    }
    part.reader = std::make_unique<DrawsReader>(part.folder);
    if (rank > 0) check_like(part, parts[0]);
    parts.push_back(std::move(part));
  }
  if (filesystem::exists(rank_folder(run, world)))
    throw FileError(fmt::format("{}: must not be there, as {} is one of {} processes. Move it away",
                                rank_folder(run, world).string(), parts[0].folder.string(), world));
  check_chains(parts, parts[0].facts.sampling->chains);
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

/// @param into  the folder of the whole run
/// @returns where the joined draws end
std::optional<DrawsEnd> join_draws(const filesystem::path& into, std::vector<Part>& parts) {
  DrawsSchema schema = parts[0].reader->schema();
  schema.first_chain = 0;
  schema.chains = parts[0].facts.sampling->chains;
  DrawsWriter writer(into, schema);
  JoinedDraw joined(schema);
  const int64_t draws = parts[0].facts.end->draws;
  for (int64_t i = 0; i < draws; ++i) {
    for (Part& part : parts) {
      const Draw* draw = part.reader->next();
      if (draw == nullptr)
        throw FileError(
            fmt::format("{}: must have {} draws, got {}. {}", part.folder.string(), draws, i, part.reader->lost()));
      if (draw->index != i || draw->step != (i + 1) * schema.thin)
        throw FileError(fmt::format("{}: draw {} must be of step {}, got draw {} of step {}", part.folder.string(), i,
                                    (i + 1) * schema.thin, draw->index, draw->step));
      joined.take(*draw, part.reader->schema());
    }
    writer.append(joined.draw());
  }
  for (Part& part : parts)
    if (part.reader->next() != nullptr)
      throw FileError(fmt::format("{}: must have {} draws, got more", part.folder.string(), draws));
  writer.finish();
  return writer.end();
}

RunFacts facts_of(const filesystem::path& run, const std::vector<Part>& parts) {
  std::vector<FactsOfRank> ranks;
  for (const Part& part : parts)
    ranks.push_back({&part.facts, part.folder.string(), static_cast<double>(part.reader->schema().chains)});
  return merged_facts(ranks, run.string());
}

/// Where the joined run is made, within the folder of the run, and what it is called once it is whole.
filesystem::path unfinished(const filesystem::path& run) { return run / ".merge.potluck-new"; }
filesystem::path whole(const filesystem::path& run) { return run / ".merge.potluck-whole"; }

/// Puts what a whole joined run consists of into the folder of the run, its record last: where that is missing, a merge
/// was cut short, and the next one finishes it here.
void put_in_place(const filesystem::path& run) {
  filesystem::remove(run / "run.json");
  const auto put = [&](const filesystem::path& from) {
    const filesystem::path to = run / from.filename();
    if (filesystem::is_directory(from)) filesystem::remove_all(to);
    give_name(from, to);
  };
  std::vector<filesystem::path> made;
  for (const auto& entry : filesystem::directory_iterator(whole(run)))
    if (entry.path().filename() != "run.json") made.push_back(entry.path());
  for (const filesystem::path& one : made) put(one);
  sync_folder(run);
  if (filesystem::exists(whole(run) / "run.json")) put(whole(run) / "run.json");
  filesystem::remove(whole(run));
  sync_folder(run);
}

/// The same. Where it fails, the joined run stays whole beside what it replaces, and the error says so.
void put_in_place_or_say(const filesystem::path& run) {
  try {
    put_in_place(run);
  } catch (const std::exception&) {
    throw_again([&](const std::string& text) {
      return fmt::format("{}. The joined run is whole, in {}: `potluck merge {}` puts it in its place", text,
                         whole(run).string(), run.string());
    });
  }
}

/// Of the run that is joined there, or was to be.
void check_may_be_made_anew(const filesystem::path& run, bool overwrite) {
  if (!filesystem::exists(run / "run.json")) return;
  if (!overwrite)
    throw FileError(fmt::format("{} must not be joined yet, got one with a run.json. Give --overwrite", run.string()));
  if (!read_record(run).merged)
    throw FileError(
        fmt::format("{} must be a joined run to be made anew, got a run of one process. Move its ranks to "
                    "another folder",
                    run.string()));
}

/// Makes the joined run in unfinished(run).
RunProducts join(const filesystem::path& run, std::vector<Part>& parts,
                 const std::function<void(const std::string&)>& say) {
  const filesystem::path into = unfinished(run);
  say("joining draws");
  const std::optional<DrawsEnd> end = join_draws(into, parts);
  RunFacts facts = facts_of(run, parts);
  RunProducts products = make_run_products(
      into, facts.sampling->pictures, figures_of(facts), [&] { return end; }, say);
  note_verdict(facts, products.verdict);
  add_not_made(facts, products.not_made);
  write_record(into, facts);
  sync_tree(into);
  return products;
}

void forget_unfinished(const filesystem::path& run) {
  std::error_code ignored;  // the next merge removes it
  filesystem::remove_all(unfinished(run), ignored);
}

}  // namespace

MergeOutcome merge_run(const filesystem::path& run, bool overwrite,
                       const std::function<void(const std::string&)>& say) {
  const RunFolder held(run);
  if (filesystem::exists(whole(run))) {
    put_in_place_or_say(run);
    if (!overwrite) return {};
  }
  filesystem::remove_all(unfinished(run));
  std::vector<Part> parts = parts_of(run);
  check_may_be_made_anew(run, overwrite);
  const bool replaces = filesystem::exists(run / "run.json");
  filesystem::create_directory(unfinished(run));
  MergeOutcome outcome;
  outcome.ranks = static_cast<int64_t>(parts.size());
  try {
    outcome.products = join(run, parts, say);
  } catch (const std::exception&) {
    forget_unfinished(run);
    throw;
  }
  if (replaces && !outcome.products.not_made.empty()) {
    forget_unfinished(run);
    outcome.older_run_stays = true;
    return outcome;
  }
  give_name(unfinished(run), whole(run));
  sync_folder(run);
  put_in_place_or_say(run);
  return outcome;
}

}  // namespace potluck
