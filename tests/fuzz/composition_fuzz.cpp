// SPDX-License-Identifier: Apache-2.0
// From the text of a composition to a plan, with models in this process, and what is said of it.
#include <map>
#include <memory>

#include "compose/file/file.h"
#include "compose/plan/plan.h"
#include "core/error.h"
#include "plugins/model_source.h"
#include "tests/compose/small_models.h"
#include "tests/fuzz/fuzz_folder.h"

namespace {

using namespace potluck;

/// E = sum (x_i - (mean of the parents))^2 / 2, parents or none.
class Normal final : public testing::SmallModel {
 public:
  explicit Normal(std::vector<int64_t> sizes) : sizes_(std::move(sizes)) { uniforms = 0; }

  double energy(const std::vector<double>& x, std::vector<double>& gradient) const override {
    const auto n = static_cast<size_t>(sizes_[0]);
    double centre = 0, sum = 0;
    for (size_t i = n; i < x.size(); ++i) centre += x[i] / static_cast<double>(x.size() - n);
    for (size_t i = 0; i < n; ++i) {
      gradient[i] = x[i] - centre;
      sum += gradient[i] * gradient[i] / 2;
    }
    for (size_t i = n; i < x.size(); ++i) {
      gradient[i] = 0;
      for (size_t j = 0; j < n; ++j) gradient[i] -= gradient[j] / static_cast<double>(x.size() - n);
    }
    return sum;
  }
  bool log_z(const std::vector<double>&, double& value, std::vector<double>& gradient) const override {
    value = static_cast<double>(sizes_[0]) * 0.91893853320467274;  // log(2 pi)/2 each
    std::fill(gradient.begin(), gradient.end(), 0.0);
    return true;
  }

 private:
  std::vector<int64_t> sizes_;
};

class FewModels final : public ModelSource {
 public:
  FewModels() {
    const auto make = [](const std::vector<int64_t>& sizes, const std::vector<std::vector<double>>&) {
      return std::make_unique<Normal>(sizes);
    };
    for (auto& kind :
         {std::pair{"gaussian", std::vector<std::string>{"x"}}, {"linear", {"x", "z"}}, {"labelled", {"x", "label"}}})
      models_[kind.first] = testing::small_kind(kind.first, kind.second, 0, make);
  }
  void add_place(const std::filesystem::path&, const std::string&, bool) override {}
  const ModelKind& model(const std::string& name) override {
    if (name == "quartic") return testing::quartic();
    const auto found = models_.find(name);
    if (found == models_.end()) throw PluginError("no model '" + name + "'");
    return *found->second;
  }
  std::vector<std::string> model_names() override { return {"gaussian", "labelled", "linear", "quartic"}; }

 private:
  std::map<std::string, std::unique_ptr<ModelKind>> models_;
};

/// What a person would not wait for: a fuzzer finds shapes of 10^9 numbers at once.
bool small(const Composition& composition) {
  int64_t numbers = 0;
  for (const Variable& variable : composition.variables) numbers += variable.size();
  for (const View& view : composition.views) numbers += view.parts * view.part_size();
  return numbers <= 1000;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fuzz::Folder folder;
  static FewModels models;
  const auto file = folder.write("input.yaml", fuzz::text_of(data, size));
  try {
    const Composition composition = read_composition(file, {}, models);
    if (!small(composition)) return 0;
    PlanOptions options;
    options.most_rows = 4;
    options.only_explain = true;
    make_plan(composition, options);
  } catch (const Error&) {
  }
  return 0;
}
