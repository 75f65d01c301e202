// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/arviz_netcdf.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "core/error.h"
#include "core/files/formats/netcdf.h"
#include "core/files/run/draws.h"

namespace potluck {

namespace {

using Number = NetcdfWriter::Number;

/// Draws are gathered until their blocks have about this many bytes, and written as whole chunks.
constexpr int64_t kBlockBytes = int64_t{32} << 20;
constexpr int64_t kChunkBytes = int64_t{1} << 20;
constexpr int64_t kMostBlockDraws = 4096;

/// One variable [chain, draw, ...]: `values` numbers a chain and draw.
struct Column {
  NetcdfWriter::Variable variable;
  int64_t values = 1;
  int64_t number_bytes = 8;
  std::vector<std::byte> block;  ///< [chains, draws of a block, values]
};

class Exporter final : public DrawsConsumer {
 public:
  /// Lays the file out.
  Exporter(DrawsSchema schema, int64_t draws, const std::filesystem::path& file, int level)
      : level_(level), schema_(std::move(schema)), draws_(draws) {
    block_draws_ = std::min({kMostBlockDraws, draws_, std::max<int64_t>(1, kBlockBytes / bytes_of_draw())});
    netcdf_ = std::make_unique<NetcdfWriter>(file);
    describe(netcdf_->root());
    define_posterior();
    define_statistics();
    write_observed();
  }

  void take(const Draw& draw) override {
    gather_all(draw);
    if (++gathered_ == block_draws_) flush_all();
  }

  void finish() override {
    flush_all();
    netcdf_->finish();
    netcdf_.reset();
  }

 private:
  int64_t bytes_of_draw() const {
    int64_t bytes = 8 * (4 + static_cast<int64_t>(schema_.experts.size())) + 1;
    for (const RecordedVariable& v : schema_.variables) bytes += v.size() * 8;
    return bytes * schema_.chains;
  }

  void describe(NetcdfWriter::Group group) {
    netcdf_->attribute(group, "created_at", schema_.created_at);
    netcdf_->attribute(group, "inference_library", std::string("potluck"));
    netcdf_->attribute(group, "inference_library_version", schema_.version);
  }

  /// A dimension with its coordinates first, first + 1, ...
  NetcdfWriter::Dimension counted(NetcdfWriter::Group group, const std::string& name, int64_t length,
                                  int64_t first = 0) {
    const auto dimension = netcdf_->dimension(group, name, length);
    std::vector<int64_t> values(static_cast<size_t>(length));
    std::iota(values.begin(), values.end(), first);
    netcdf_->put(netcdf_->variable(group, name, Number::kInt64, {dimension}), values.data());
    return dimension;
  }

  std::vector<NetcdfWriter::Dimension> shaped(NetcdfWriter::Group group, const std::string& name,
                                              const std::vector<int64_t>& shape) {
    std::vector<NetcdfWriter::Dimension> dimensions;
    for (size_t i = 0; i < shape.size(); ++i) {
      dimensions.push_back(counted(group, arviz_dimension(name, i), shape[i]));
    }
    return dimensions;
  }

  Column column(NetcdfWriter::Group group, const std::string& name, Number number, int64_t number_bytes,
                const std::vector<NetcdfWriter::Dimension>& dimensions) {
    Column column;
    column.number_bytes = number_bytes;
    std::vector<int64_t> chunk = {1, block_draws_};
    for (size_t i = 2; i < dimensions.size(); ++i) {
      column.values *= dimensions[i].length;
      chunk.push_back(dimensions[i].length);
    }
    const int64_t row = block_draws_ * column.values * number_bytes;
    chunk[0] = std::clamp<int64_t>(kChunkBytes / row, 1, schema_.chains);
    column.variable = netcdf_->variable(group, name, number, dimensions, chunk, level_);
    column.block.resize(static_cast<size_t>(schema_.chains * row));
    return column;
  }

  void define_posterior() {
    const auto group = netcdf_->group("posterior");
    describe(group);
    netcdf_->attribute(group, "method", schema_.method);
    netcdf_->attribute(group, "seed", static_cast<int64_t>(schema_.seed));
    netcdf_->attribute(group, "temperature", schema_.temperature);
    netcdf_->attribute(group, "thin", schema_.thin);
    netcdf_->attribute(group, "warmup", schema_.warmup);
    const auto chain = counted(group, "chain", schema_.chains, schema_.first_chain);
    const auto draw = counted(group, "draw", draws_);
    for (const RecordedVariable& v : schema_.variables) {
      std::vector<NetcdfWriter::Dimension> dimensions = {chain, draw};
      const auto own = shaped(group, v.name, v.shape);
      dimensions.insert(dimensions.end(), own.begin(), own.end());
      const bool single = v.categories == 0 && schema_.precision == Precision::kFloat32;
      const Number number = v.categories > 0 ? Number::kInt64 : single ? Number::kFloat32 : Number::kFloat64;
      posterior_.push_back(column(group, v.name, number, single ? 4 : 8, dimensions));
    }
  }

  void define_statistics() {
    const auto group = netcdf_->group("sample_stats");
    describe(group);
    const auto chain = counted(group, "chain", schema_.chains, schema_.first_chain);
    const auto draw = counted(group, "draw", draws_);
    // ArviZ joins runs along the chains: every variable has both dimensions, also where all chains have the same.
    step_ = column(group, "step", Number::kInt64, 8, {chain, draw});
    lp_ = column(group, "lp", Number::kFloat64, 8, {chain, draw});
    energy_ = column(group, "energy", Number::kFloat64, 8, {chain, draw});
    acceptance_ = column(group, "acceptance_rate", Number::kFloat64, 8, {chain, draw});
    diverging_ = column(group, "diverging", Number::kInt8, 1, {chain, draw});
    netcdf_->attribute(diverging_.variable, "dtype", "bool");  // xarray's sign for truth values
    netcdf_->attribute(diverging_.variable, "description",
                       "a step since the last draw diverged, or the chain's state failed and it moves no more");
    if (!schema_.experts.empty()) {
      const auto expert = netcdf_->dimension(group, "expert", static_cast<int64_t>(schema_.experts.size()));
      netcdf_->texts(group, "expert", expert, schema_.experts);
      expert_energy_ = column(group, "expert_energy", Number::kFloat64, 8, {chain, draw, expert});
    }
  }

  void write_observed() {
    const bool partly = std::any_of(schema_.variables.begin(), schema_.variables.end(),
                                    [](const RecordedVariable& v) { return !v.held.empty(); });
    if (schema_.given.empty() && !partly) return;
    const auto group = netcdf_->group("observed_data");
    describe(group);
    for (const GivenVariable& v : schema_.given) {
      const auto dimensions = shaped(group, v.name, v.shape);
      if (v.categorical) {
        const std::vector<int64_t> labels(v.value.begin(), v.value.end());
        netcdf_->put(netcdf_->variable(group, v.name, Number::kInt64, dimensions), labels.data());
      } else {
        netcdf_->put(netcdf_->variable(group, v.name, Number::kFloat64, dimensions), v.value.data());
      }
    }
    for (const RecordedVariable& v : schema_.variables) {
      if (v.held.empty()) continue;
      const auto dimensions = shaped(group, v.name, v.shape);
      netcdf_->put(netcdf_->variable(group, v.name, Number::kFloat64, dimensions), v.held.data());
    }
  }

  /// Puts [chains, values] into the block's draw `at`.
  void gather(Column& column, int64_t at, const void* from) const {
    const int64_t bytes = column.values * column.number_bytes;
    for (int64_t chain = 0; chain < schema_.chains; ++chain) {
      std::memcpy(column.block.data() + (chain * block_draws_ + at) * bytes,
                  static_cast<const std::byte*>(from) + chain * bytes, static_cast<size_t>(bytes));
    }
  }

  void flush(Column& column, int64_t first_draw, int64_t draws) {
    const int64_t bytes = column.values * column.number_bytes;
    if (draws < block_draws_) {  // the last block is shorter: close the gaps between its chains
      for (int64_t chain = 1; chain < schema_.chains; ++chain) {
        std::memmove(column.block.data() + chain * draws * bytes, column.block.data() + chain * block_draws_ * bytes,
                     static_cast<size_t>(draws * bytes));
      }
    }
    std::vector<int64_t> start(column.variable.shape.size(), 0), count = column.variable.shape;
    start[1] = first_draw;
    count[1] = draws;
    netcdf_->put(column.variable, start, count, column.block.data());
  }

  std::vector<Column*> columns() {
    std::vector<Column*> all = {&step_, &lp_, &energy_, &acceptance_, &diverging_};
    if (!schema_.experts.empty()) all.push_back(&expert_energy_);
    for (Column& column : posterior_) all.push_back(&column);
    return all;
  }

  void flush_all() {
    if (gathered_ == 0) return;
    for (Column* column : columns()) flush(*column, done_, gathered_);
    done_ += gathered_;
    gathered_ = 0;
  }

  void gather_all(const Draw& draw) {
    const auto chains = static_cast<size_t>(schema_.chains), experts = schema_.experts.size();
    const int64_t at = gathered_;
    std::vector<double>& scratch = scratch_;
    steps_.assign(chains, draw.step);
    gather(step_, at, steps_.data());
    gather(energy_, at, draw.energy);
    gather(acceptance_, at, draw.acceptance);
    flags_.assign(draw.frozen, draw.frozen + chains);
    for (size_t c = 0; c < chains; ++c) flags_[c] |= draw.diverged[c];
    gather(diverging_, at, flags_.data());
    scratch.resize(chains * std::max<size_t>(experts, 1));
    for (size_t c = 0; c < chains; ++c) scratch[c] = -draw.energy[c] / schema_.temperature;
    gather(lp_, at, scratch.data());
    if (experts > 0) {  // [experts, chains] becomes [chains, experts]
      for (size_t e = 0; e < experts; ++e) {
        for (size_t c = 0; c < chains; ++c) scratch[c * experts + e] = draw.expert_energy[e * chains + c];
      }
      gather(expert_energy_, at, scratch.data());
    }
    for (size_t v = 0; v < posterior_.size(); ++v) gather(posterior_[v], at, draw.position[v]);
  }

  int level_;
  DrawsSchema schema_;
  int64_t draws_;
  int64_t block_draws_ = 1;
  int64_t done_ = 0;      ///< draws that are in the file
  int64_t gathered_ = 0;  ///< and in the blocks of the columns
  std::unique_ptr<NetcdfWriter> netcdf_;
  Column step_, lp_, energy_, acceptance_, diverging_, expert_energy_;
  std::vector<double> scratch_;
  std::vector<int64_t> steps_;  ///< [chains]
  std::vector<uint8_t> flags_;  ///< [chains]
  std::vector<Column> posterior_;
};

}  // namespace

std::unique_ptr<DrawsConsumer> arviz_netcdf(const DrawsSchema& schema, const DrawsEnd& end,
                                            const std::filesystem::path& run_folder, const std::filesystem::path& file,
                                            int level) {
  if (end.draws == 0) {
    throw FileError(fmt::format("{}: must have at least one draw, got none{}. Let the run go on for longer",
                                draws_folder(run_folder).string(), end.lost.empty() ? "" : ": " + end.lost));
  }
  return std::make_unique<Exporter>(schema, end.draws, file, level);
}

ArvizExport write_arviz_netcdf(const std::filesystem::path& run_folder, const std::filesystem::path& file, int level) {
  ArvizExport written;
  pass_draws(run_folder, [&](const DrawsSchema& schema, const DrawsEnd& end) {
    written = {end.draws, end.lost};
    return arviz_netcdf(schema, end, run_folder, file, level);
  });
  return written;
}

void check_arviz_netcdf(const DrawsSchema& schema, const std::filesystem::path& file) { Exporter(schema, 1, file, 0); }

const std::vector<std::string>& names_taken_by_arviz() {
  static const std::vector<std::string> names = {"chain", "ci_bound", "draw", "metric", "summary"};
  return names;
}

std::string arviz_dimension(const std::string& variable, size_t axis) {
  return fmt::format("{}_dim_{}", variable, axis);
}

}  // namespace potluck
