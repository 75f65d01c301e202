// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/files/run/draws.h"

namespace potluck {

/// Makes something of the draws of a run, which it is shown one after the other.
class DrawsConsumer {
 public:
  virtual ~DrawsConsumer() = default;
  /// The next draw. Its positions are those of the schema's variables, in that order; all is valid during the call.
  virtual void take(const Draw& draw) = 0;
  /// All draws were shown.
  virtual void finish() = 0;
};

/// Reads the draws of a run once, one in memory at a time, and shows each to every consumer. What one consumer throws
/// keeps no other from going on: it is gone at once, with what it had begun, and finish() throws the error again.
class DrawsPass {
 public:
  /// Makes a consumer of the draws that there will be.
  using Make = std::function<std::unique_ptr<DrawsConsumer>(const DrawsSchema&, const DrawsEnd&)>;

  /// @param end  as the writer of the draws tells it. None: it is looked for, for which everything is read once more
  explicit DrawsPass(std::filesystem::path run_folder, std::optional<DrawsEnd> end = std::nullopt)
      : run_folder_(std::move(run_folder)), end_(std::move(end)) {}

  /// @returns the number of the consumer, for finish()
  size_t add(Make make);

  /// Makes the consumers and shows them the draws. Where fewer are there than `end` has, the end is looked for, and all
  /// is made anew of those that are.
  void read();

  /// @throws FileError where the draws cannot be read; what the consumer threw, or its finish() throws
  void finish(size_t consumer);

 private:
  struct Entry {
    Make make;
    std::unique_ptr<DrawsConsumer> consumer;
    std::exception_ptr error;
  };

  bool read_up_to(const DrawsEnd& end);
  template <class Work>
  static void attempt(Entry& entry, const Work& work);

  std::filesystem::path run_folder_;
  std::optional<DrawsEnd> end_;
  std::vector<Entry> entries_;
};

/// Shows all draws of a run to one consumer. @throws FileError; what the consumer throws
void pass_draws(const std::filesystem::path& run_folder, DrawsPass::Make make);

}  // namespace potluck
