// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/draws.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "core/error.h"
#include "core/files/formats/array.h"
#include "core/files/formats/json_input.h"

namespace potluck {

namespace {

using nlohmann::json;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kMostChains = int64_t{1} << 32;  // more than any machine holds, and sums of sizes fit
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// JSON has no infinities and no NaN: they stand as null, and the place says which is meant.
json finite_or_null(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json list_of(const std::vector<double>& values) {
  json list = json::array();
  for (const double value : values) list.push_back(finite_or_null(value));
  return list;
}

json to_json(const DrawsSchema& schema) {
  json variables = json::array(), given = json::array();
  for (const RecordedVariable& v : schema.variables) {
    variables.push_back({{"name", v.name},
                         {"shape", v.shape},
                         {"categories", v.categories},
                         {"least", finite_or_null(v.least)},
                         {"most", finite_or_null(v.most)},
                         {"held", list_of(v.held)}});
  }
  for (const GivenVariable& v : schema.given) {
    given.push_back(
        {{"name", v.name}, {"shape", v.shape}, {"categorical", v.categorical}, {"value", list_of(v.value)}});
  }
  return {{"variables", variables},
          {"given", given},
          {"experts", schema.experts},
          {"chains", schema.chains},
          {"first_chain", schema.first_chain},
          {"superchain", schema.superchain},
          {"precision", schema.precision == Precision::kFloat32 ? "float32" : "float64"},
          {"temperature", schema.temperature},
          {"method", schema.method},
          {"seed", schema.seed},
          {"warmup", schema.warmup},
          {"thin", schema.thin},
          {"created_at", schema.created_at},
          {"version", schema.version}};
}

DrawsSchema from_json(const JsonInput<json>& all) {
  DrawsSchema schema;
  for (const JsonInput<json>& v : all.at("variables").items()) {
    schema.variables.push_back({v.at("name").text(), v.at("shape").wholes(0), v.at("categories").whole(0),
                                v.at("least").number_or(-kInfinity), v.at("most").number_or(kInfinity),
                                static_cast<int>(schema.variables.size()), v.at("held").numbers_or(kNan)});
  }
  for (const JsonInput<json>& v : all.at("given").items()) {
    schema.given.push_back(
        {v.at("name").text(), v.at("shape").wholes(0), v.at("categorical").flag(), v.at("value").numbers_or(kNan)});
  }
  schema.experts = all.at("experts").texts();
  schema.chains = all.at("chains").whole();
  schema.first_chain = all.at("first_chain").whole(0, kMostChains);
  schema.superchain = all.has("superchain") ? all.at("superchain").whole(1) : 1;
  const std::string precision = all.at("precision").text();
  if (precision != "float32" && precision != "float64") all.at("precision").fail("float32 or float64");
  schema.precision = precision == "float32" ? Precision::kFloat32 : Precision::kFloat64;
  schema.temperature = all.at("temperature").number();
  schema.method = all.at("method").text();
  schema.seed = static_cast<uint32_t>(all.at("seed").whole(0, std::numeric_limits<uint32_t>::max()));
  schema.warmup = all.at("warmup").whole(0);
  schema.thin = all.at("thin").whole();
  schema.created_at = all.at("created_at").text();
  schema.version = all.at("version").text();
  return schema;
}

/// A record is three int64 (index, step, chains), then these blocks, each filled up with zeros to a multiple of 8.
struct Layout {
  explicit Layout(const DrawsSchema& schema) {
    const auto chains = static_cast<size_t>(schema.chains);
    const auto add = [&](size_t bytes) {
      offsets.push_back(total);
      bytes_of_block.push_back(bytes);
      total += (bytes + 7) / 8 * 8;
    };
    add(8 * chains);                          // energy
    add(8 * chains);                          // acceptance
    add(8 * chains * schema.experts.size());  // expert energies
    add(chains);                              // frozen
    add(chains);                              // diverged
    for (const RecordedVariable& v : schema.variables) {
      add(chains * static_cast<size_t>(v.size()) * (v.categories > 0 ? 8 : bytes_of(schema.precision)));
    }
  }

  std::vector<size_t> offsets;
  std::vector<size_t> bytes_of_block;
  size_t total = 24;
};

/// The bytes of a record fit 2^60, so that Layout's sums do.
bool sizes_fit(const DrawsSchema& schema) {
  if (schema.chains < 1 || schema.chains > kMostChains || schema.thin < 1 || !(schema.temperature > 0)) return false;
  if (schema.experts.size() > size_t{1} << 20 || schema.variables.size() > size_t{1} << 20) return false;
  int64_t numbers = 0;  // of a chain
  for (const RecordedVariable& v : schema.variables) {
    const int64_t size = v.size();
    if (size < 0 || size > (int64_t{1} << 57) / schema.chains - numbers) return false;
    if (!v.held.empty() && static_cast<int64_t>(v.held.size()) != size) return false;
    numbers += size;
  }
  return std::all_of(schema.given.begin(), schema.given.end(),
                     [](const GivenVariable& v) { return count_of(v.shape) == static_cast<int64_t>(v.value.size()); });
}

/// What another process of the same run may write otherwise is left out.
json without_writer(json all) {
  all.erase("created_at");
  all.erase("version");
  return all;
}

void check_same(const std::filesystem::path& folder, const DrawsSchema& schema) {
  const PartReader reader(folder);
  json there = parse_json<json>(reader.header(), folder.string() + ": the header");
  JsonInput<json>(there, folder.string() + ": the header").entries();  // an object
  there = without_writer(std::move(there));
  const json here = without_writer(to_json(schema));
  if (there == here) return;
  for (const auto& [key, value] : here.items()) {
    if (there.value(key, json()) == value) continue;
    throw FileError(fmt::format("{}: draws to go on from must have {} = {}, got {}. Name the folder of that run",
                                folder.string(), key, value.dump(), there.value(key, json()).dump()));
  }
}

}  // namespace

int64_t RecordedVariable::size() const { return count_of(shape); }

DrawsSchema draws_schema(const std::vector<Variable>& variables, const std::vector<Held>& held) {
  DrawsSchema schema;
  for (size_t i = 0; i < variables.size(); ++i) {
    const Variable& v = variables[i];
    const Held* mine = i < held.size() && held[i].any() ? &held[i] : nullptr;
    if (mine != nullptr && mine->all()) {
      schema.given.push_back({v.name, v.shape, v.categorical(), mine->value});
      continue;
    }
    RecordedVariable recorded{v.name, v.shape, v.categories, v.least, v.most, static_cast<int>(i), {}};
    if (mine != nullptr) {
      recorded.held = mine->value;
      for (size_t k = 0; k < recorded.held.size(); ++k) {
        if (mine->mask[k] == 0) recorded.held[k] = kNan;
      }
    }
    schema.variables.push_back(std::move(recorded));
  }
  return schema;
}

std::filesystem::path draws_folder(const std::filesystem::path& run_folder) { return run_folder / "draws"; }

DrawsWriter::DrawsWriter(const std::filesystem::path& run_folder, DrawsSchema schema, uint64_t part_bytes)
    : schema_(std::move(schema)), parts_(draws_folder(run_folder), to_json(schema_).dump(), part_bytes) {}

DrawsWriter::DrawsWriter(const std::filesystem::path& run_folder, DrawsSchema schema, KeptDraws kept,
                         uint64_t part_bytes)
    : schema_(std::move(schema)),
      parts_((check_same(draws_folder(run_folder), schema_), draws_folder(run_folder)), kept.count, part_bytes),
      kept_(kept.count) {}

void DrawsWriter::append(const Draw& draw) {
  const Layout layout(schema_);
  const std::array<int64_t, 3> start = {draw.index, draw.step, draw.chains};
  const std::array<std::byte, 8> zeros{};
  const std::vector<uint8_t> none(draw.diverged ? 0 : static_cast<size_t>(schema_.chains));
  std::vector<const void*> from = {draw.energy, draw.acceptance, draw.expert_energy, draw.frozen,
                                   draw.diverged ? draw.diverged : none.data()};
  for (const RecordedVariable& v : schema_.variables) from.push_back(draw.position[static_cast<size_t>(v.source)]);
  std::vector<std::span<const std::byte>> pieces = {std::as_bytes(std::span(start))};
  for (size_t i = 0; i < from.size(); ++i) {
    const size_t bytes = layout.bytes_of_block[i];
    if (bytes == 0) continue;
    pieces.emplace_back(static_cast<const std::byte*>(from[i]), bytes);
    if (bytes % 8 != 0) pieces.emplace_back(zeros.data(), 8 - bytes % 8);
  }
  parts_.append(pieces);
  if (!end_) end_ = DrawsEnd{kept_, 0, {}, ""};
  ++end_->draws;
  end_->steps = draw.step;
  end_->frozen.assign(draw.frozen, draw.frozen + schema_.chains);
}

DrawsReader::DrawsReader(const std::filesystem::path& run_folder)
    : parts_(draws_folder(run_folder)), where_(draws_folder(run_folder).string()) {
  const std::string header = where_ + ": the header";
  const json all = parse_json<json>(parts_.header(), header);
  schema_ = from_json(JsonInput<json>(all, header));
  if (!sizes_fit(schema_)) {
    throw FileError(
        fmt::format("{}: the header must have sizes that fit, got chains = {} and others", where_, schema_.chains));
  }
}

const Draw* DrawsReader::next() {
  const std::span<const std::byte> record = parts_.next();
  if (record.empty()) return nullptr;
  const Layout layout(schema_);
  if (record.size() != layout.total) {
    throw FileError(fmt::format("{}: a record must have {} bytes, got {}", where_, layout.total, record.size()));
  }
  const auto* start = reinterpret_cast<const int64_t*>(record.data());
  const auto block = [&](size_t i) { return record.data() + layout.offsets[i]; };
  draw_.index = start[0];
  draw_.step = start[1];
  draw_.chains = start[2];
  if (draw_.chains != schema_.chains) {
    throw FileError(fmt::format("{}: a record must have {} chains, got {}", where_, schema_.chains, draw_.chains));
  }
  draw_.energy = reinterpret_cast<const double*>(block(0));
  draw_.acceptance = reinterpret_cast<const double*>(block(1));
  draw_.expert_energy = reinterpret_cast<const double*>(block(2));
  draw_.frozen = reinterpret_cast<const uint8_t*>(block(3));
  draw_.diverged = reinterpret_cast<const uint8_t*>(block(4));
  draw_.position.clear();
  for (size_t i = 0; i < schema_.variables.size(); ++i) draw_.position.push_back(block(5 + i));
  return &draw_;
}

DrawsEnd find_end(const std::filesystem::path& run_folder) {
  DrawsReader reader(run_folder);
  const int64_t chains = reader.schema().chains;
  DrawsEnd end;
  end.frozen.assign(static_cast<size_t>(chains), 0);
  while (const Draw* draw = reader.next()) {
    ++end.draws;
    end.steps = draw->step;
    end.frozen.assign(draw->frozen, draw->frozen + chains);
  }
  end.lost = reader.lost();
  return end;
}

}  // namespace potluck
