// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/sampler.h"

#include "core/methods/method.h"
#include "core/sampling/run/stepper.h"
#include "core/sampling/run/transformed_run.h"
#include "core/sampling/run/whitened_run.h"

namespace potluck {

Sampler::Sampler(const Target& target, const RunOptions& options, std::span<Observer* const> observers)
    : options_(options) {
  check_run(target, options);  // before the walls are out of sight
  const Target* moved = &target;
  if (TransformedRun::needed(target)) {
    transformed_ = std::make_unique<TransformedRun>(*moved, observers, workers_of(options));
    moved = &transformed_->target();
    observers = transformed_->observers();
  }
  WhitenedEnergy* energy = nullptr;
  if (make_method(options)->tuning().dense) {
    whitened_ = std::make_unique<WhitenedRun>(*moved, observers, workers_of(options));
    moved = &whitened_->target();
    observers = whitened_->observers();
    energy = &whitened_->energy();
  }
  stepper_ = std::make_unique<Stepper>(*moved, options_, observers, energy);
}

Sampler::~Sampler() = default;

void Sampler::start(const Start& start) {
  if (transformed_)
    stepper_->start(*transformed_->free(start));
  else
    stepper_->start(start);
  fail_where_all_are_frozen();
}

void Sampler::restore(std::span<const std::byte> saved) {
  stepper_->restore(saved);
  fail_where_all_are_frozen();
}

std::vector<std::byte> Sampler::save() { return stepper_->save(); }

bool Sampler::warming_up() const { return stepper_->warming_up(); }

int64_t Sampler::warm_up_steps() const { return stepper_->warm_up_steps(); }

int64_t Sampler::steps() const { return stepper_->steps(); }

int64_t Sampler::draws() const { return stepper_->draws(); }

int64_t Sampler::step(int64_t most) {
  if (warming_up() && steps() == warm_up_steps()) end_warm_up();
  return stepper_->step(most);
}

void Sampler::end_warm_up() { stepper_->end_warm_up(); }

void Sampler::draw() { stepper_->draw(); }

void Sampler::finish_draw() { stepper_->finish_draw(); }

int64_t Sampler::steps_since_draw() const { return stepper_->steps_since_draw(); }

SoFar Sampler::so_far() { return stepper_->so_far(); }

void Sampler::fail_where_all_are_frozen() const { stepper_->fail_where_all_are_frozen(); }

Beginning Sampler::beginning() const { return stepper_->beginning(); }

Progress Sampler::progress() { return stepper_->progress(); }

RunSummary Sampler::summary() {
  RunSummary summary = stepper_->summary();
  // Of an energy with the log Jacobian, which is not the recorded one.
  if (transformed_) summary.energy_shares = EnergyShares(0);
  return summary;
}

}  // namespace potluck
