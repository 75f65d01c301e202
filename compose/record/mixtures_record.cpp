// SPDX-License-Identifier: Apache-2.0
#include "compose/record/mixtures_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "core/error.h"

namespace potluck {

namespace {

constexpr const char* kKinds[] = {"sum", "mixture", "ceiling"};

RunRecord record_of(const EnergyOperator& op) {
  RunRecord record = {{"kind", kKinds[static_cast<int>(op.kind)]}, {"of", op.operands}};
  if (!op.numbers.empty()) record["numbers"] = op.numbers;
  if (op.kind == EnergyOperator::Kind::kSum) record["constant"] = op.constant;
  if (op.kind == EnergyOperator::Kind::kCeiling) {
    record["strength"] = op.strength;
    record["ceiling"] = op.ceiling;
    record["softness"] = op.softness;
  }
  return record;
}

void check_index(const std::string& what, int64_t index, int64_t bound) {
  if (index >= 0 && index < bound) return;
  throw FileError(fmt::format("run.json: {} must be from 0 to {}, got {}", what, bound - 1, index));
}

EnergyOperator operator_of(const RunRecord& record, int64_t values) {
  EnergyOperator op;
  const std::string kind = record.at("kind");
  const auto found = std::find(std::begin(kKinds), std::end(kKinds), kind);
  if (found == std::end(kKinds))
    throw FileError(
        fmt::format("run.json: the kind of an operator of mixtures must be sum, mixture or ceiling, got {}", kind));
  op.kind = static_cast<EnergyOperator::Kind>(found - std::begin(kKinds));
  op.operands = record.at("of").get<std::vector<int64_t>>();
  for (const int64_t operand : op.operands) check_index("an operand of mixtures", operand, values);
  if (op.kind == EnergyOperator::Kind::kCeiling) {
    if (op.operands.size() != 1)
      throw FileError(fmt::format("run.json: a ceiling of mixtures must have one operand, got {}", op.operands.size()));
    op.strength = record.at("strength");
    op.ceiling = record.at("ceiling");
    op.softness = record.at("softness");
    return op;
  }
  if (op.kind == EnergyOperator::Kind::kSum) op.constant = record.at("constant");
  op.numbers = record.value("numbers", std::vector<double>());
  if (op.numbers.size() != op.operands.size())
    throw FileError(
        fmt::format("run.json: an operator of mixtures must have a number for each of its {} operands, got {}",
                    op.operands.size(), op.numbers.size()));
  return op;
}

WatchedMixture mixture_of(const RunRecord& record, const Mixtures& before) {
  WatchedMixture mixture;
  mixture.name = record.at("name");
  mixture.result = record.at("operator");
  check_index("the operator of a mixture", mixture.result, static_cast<int64_t>(before.operators.size()));
  for (const RunRecord& branch : record.at("branches"))
    mixture.branches.push_back({branch.at("name"), branch.at("weight"), branch.at("log_z_error")});
  const EnergyOperator& op = before.operators[static_cast<size_t>(mixture.result)];
  if (op.kind != EnergyOperator::Kind::kMixture || op.operands.size() != mixture.branches.size())
    throw FileError(fmt::format("run.json: mixture '{}' must have an operator for its {} branches, got another one",
                                mixture.name, mixture.branches.size()));
  if (record.contains("inside")) {
    mixture.parent = record.at("inside").at("mixture");
    mixture.parent_branch = record.at("inside").at("branch");
    check_index("the mixture that another one is in", mixture.parent, static_cast<int64_t>(before.mixtures.size()));
    const auto& branches = before.mixtures[static_cast<size_t>(mixture.parent)].branches;
    check_index("the branch that a mixture is in", mixture.parent_branch, static_cast<int64_t>(branches.size()));
  }
  mixture.unjudged = record.value("unjudged", "");
  return mixture;
}

}  // namespace

RunRecord record_of(const Mixtures& mixtures) {
  RunRecord record = {
      {"experts", mixtures.experts}, {"operators", RunRecord::array()}, {"mixtures", RunRecord::array()}};
  for (const EnergyOperator& op : mixtures.operators) record["operators"].push_back(record_of(op));
  for (const WatchedMixture& mixture : mixtures.mixtures) {
    RunRecord entry = {{"name", mixture.name}, {"operator", mixture.result}, {"branches", RunRecord::array()}};
    for (const WatchedBranch& branch : mixture.branches)
      entry["branches"].push_back(
          {{"name", branch.name}, {"weight", branch.weight}, {"log_z_error", branch.log_z_error}});
    if (mixture.parent >= 0) entry["inside"] = {{"mixture", mixture.parent}, {"branch", mixture.parent_branch}};
    if (!mixture.unjudged.empty()) entry["unjudged"] = mixture.unjudged;
    record["mixtures"].push_back(std::move(entry));
  }
  return record;
}

namespace {

Mixtures read_mixtures(const RunRecord& record) {
  Mixtures mixtures;
  mixtures.experts = record.at("experts");
  if (mixtures.experts < 0)
    throw FileError(fmt::format("run.json: the experts of mixtures must be >= 0, got {}", mixtures.experts));
  for (const RunRecord& op : record.at("operators"))
    mixtures.operators.push_back(operator_of(op, mixtures.experts + static_cast<int64_t>(mixtures.operators.size())));
  for (const RunRecord& mixture : record.at("mixtures")) mixtures.mixtures.push_back(mixture_of(mixture, mixtures));
  return mixtures;
}

}  // namespace

Mixtures mixtures_of(const RunRecord& record) {
  try {
    return read_mixtures(record);
  } catch (const RunRecord::exception& error) {  // which keys an operator has depends on its kind
    throw FileError(fmt::format("run.json: mixtures must be as Potluck writes them, got an error: {}", error.what()));
  }
}

}  // namespace potluck
