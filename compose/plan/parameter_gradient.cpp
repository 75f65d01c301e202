// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/parameter_gradient.h"

#include <fmt/format.h>

#include <algorithm>

#include "compose/plan/piece_gradient.h"

namespace potluck {

namespace {

/// Rows of a piece on the CPU, where no expert prefers more: enough for a network, few enough for all cores.
constexpr int64_t kPieceRows = 32;

bool on_cpu(const GradientSources& sources) { return sources.options.device.kind == Device::Kind::kCpu; }

/// On a GPU, which has no threads of ours to keep busy, a piece is as large as a call may be.
int64_t rows_of_a_piece(const GradientSources& sources, int64_t preferred_rows) {
  const int64_t most = sources.options.most_rows;
  return on_cpu(sources) ? std::min(std::max(kPieceRows, preferred_rows), most) : most;
}

void collect_leaves(const Node& node, std::vector<const Leaf*>& leaves) {
  if (const auto* leaf = std::get_if<Leaf>(&node.kind)) leaves.push_back(leaf);
  for (const NodePointer& child : children(node)) collect_leaves(*child, leaves);
}

}  // namespace

ParameterGradient::ParameterGradient(const GradientSources& sources, int64_t preferred_rows)
    : sources_(sources),
      piece_(rows_of_a_piece(sources, preferred_rows)),
      pieces_(on_cpu(sources) ? static_cast<size_t>(std::max(sources.options.workers, 1)) : 1) {
  find_refusals();
}

ParameterGradient::~ParameterGradient() = default;

/// Nobody can be asked for d log Z / dp.
void ParameterGradient::find_refusals() {
  for (const NeededNormaliser& needed : sources_.order.normalisers) {
    std::vector<const Leaf*> leaves;
    collect_leaves(*needed.node, leaves);
    std::vector<int> seen;
    for (const Leaf* leaf : leaves) {
      const int expert = sources_.store.expert_of(*leaf);
      if (expert < 0 || std::count(seen.begin(), seen.end(), expert) > 0) continue;
      seen.push_back(expert);
      const std::string& name = sources_.store.experts()[static_cast<size_t>(expert)].name;
      refusals_.push_back({static_cast<size_t>(expert),
                           {needed.place, fmt::format("log Z of {} must not depend on what is learned, got '{}' in it. "
                                                      "Write {}, or freeze '{}'",
                                                      needed.what, name, needed.instead, name)}});
    }
  }
}

void ParameterGradient::check_normalisers() const {
  std::vector<Diagnostic> wrong;
  for (const Refusal& refusal : refusals_)
    if (sources_.store.is_learned_expert(refusal.expert)) wrong.push_back(refusal.why);
  if (!wrong.empty()) throw CompositionError(std::move(wrong));
}

void ParameterGradient::add(const ParameterGradientCall& call) {
  check_normalisers();
  const int64_t pieces = (call.rows + piece_ - 1) / piece_;
  const int64_t threads = call.threads ? call.threads->workers() : 1;
  const int64_t at_once = std::min(static_cast<int64_t>(pieces_.size()), threads);
  // Each piece of a round has memory and models of its own, whichever thread takes it.
  for (int64_t begun = 0; begun < pieces; begun += at_once) {
    const int64_t count = std::min(at_once, pieces - begun);
    for (int64_t k = 0; k < count; ++k) {
      std::unique_ptr<PieceGradient>& piece = pieces_[static_cast<size_t>(k)];
      if (!piece) piece = std::make_unique<PieceGradient>(sources_, piece_, static_cast<int>(k));
    }
    const auto evaluate = [&](int64_t k, int) {
      const int64_t first = (begun + k) * piece_;
      pieces_[static_cast<size_t>(k)]->evaluate(call, first, std::min(piece_, call.rows - first));
    };
    if (count > 1)
      call.threads->run(count, evaluate);
    else
      evaluate(0, 0);
    for (int64_t k = 0; k < count; ++k) add_sums(call, *pieces_[static_cast<size_t>(k)]);
  }
}

void ParameterGradient::add_sums(const ParameterGradientCall& call, const PieceGradient& piece) const {
  for (size_t a = 0; a < sources_.store.arrays().size(); ++a) {
    const ModelParameter& array = sources_.store.arrays()[a].array;
    if (!sources_.store.is_learned(a) || !call.sum[a]) continue;
    sources_.arithmetic.add_sum(piece.sum(a), array.type == POTLUCK_FLOAT64, array.size(), call.sum[a], call.stream);
    if (const double* differences = piece.differences(a))
      sources_.arithmetic.add_sum(differences, true, array.size(), call.sum[a], call.stream);
  }
}

}  // namespace potluck
