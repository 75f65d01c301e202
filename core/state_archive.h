// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.h"

namespace potluck {

/// A saved state that cannot be gone on with. It knows nothing of files: who has read it from one names that.
class StateError : public FileError {
 public:
  using FileError::FileError;
};

/// Writes or reads numbers, texts and vectors in one order, so that what is saved and what is restored are one list:
/// `persist(archive)` of a class names its members once. The bytes are those of this machine.
///
/// What is read may be of any origin: every length is held against the bytes that are left before anything is
/// allocated, and a vector that has numbers already keeps its length, which whoever restores it knows. Lengths that
/// only the bytes say are held against what the run needs with demand().
class StateArchive {
 public:
  StateArchive() = default;  ///< writes
  explicit StateArchive(std::span<const std::byte> bytes) : reading_(true), from_(bytes) {}

  bool reading() const { return reading_; }
  std::vector<std::byte> take() { return std::move(bytes_); }
  /// Everything was read.
  bool at_end() const { return from_.empty(); }

  /// Writes the number of a format, or reads one. @throws StateError where it is not this one.
  void version(uint32_t expected) {
    uint32_t found = expected;
    raw(&found, sizeof found);
    if (found != expected)
      throw StateError(fmt::format("a checkpoint must be of version {}, got {}. Start the run anew", expected, found));
  }

  template <class... Values>
  void operator()(Values&... values) {
    (one(values), ...);
  }

  /// A number of things that a run can have counted: it goes on counting and has room for sums.
  static constexpr bool counted(int64_t count) { return count >= 0 && count <= kMostCounted; }
  static constexpr int64_t kMostCounted = int64_t{1} << 53;

  /// @throws StateError where something was read that does not fit the run, named by `what`: "numbers of chains".
  void demand(bool fits, const char* what) const {
    if (reading_ && !fits)
      throw StateError(fmt::format("a saved state must fit its run, got other {}. Start the run anew", what));
  }

 private:
  template <class Value>
  void one(Value& value) {
    if constexpr (std::is_same_v<Value, bool>) {
      uint8_t byte = value ? 1 : 0;  // another byte is no bool
      raw(&byte, 1);
      demand(byte <= 1, "values of a flag");
      value = byte != 0;
    } else if constexpr (std::is_arithmetic_v<Value> || std::is_enum_v<Value>) {
      raw(&value, sizeof(Value));
    } else if constexpr (requires { value.persist(*this); }) {
      value.persist(*this);
    } else {
      sequence(value);
    }
  }

  /// The fewest bytes that an element takes: of a vector or a class those of a length or a number.
  template <class Element>
  static constexpr size_t least_bytes() {
    if constexpr (std::is_arithmetic_v<Element> || std::is_enum_v<Element> || std::is_same_v<Element, std::byte>)
      return sizeof(Element);
    return sizeof(uint64_t);
  }

  template <class Sequence>
  void sequence(Sequence& values) {
    using Element = typename Sequence::value_type;
    size_t size = values.size();
    raw(&size, sizeof size);
    if (reading_) {
      if (size > from_.size() / least_bytes<Element>()) too_short();
      demand(values.empty() || values.size() == size, "lengths");
      values.resize(size);
    }
    if constexpr (std::is_arithmetic_v<Element> || std::is_same_v<Element, std::byte>) {
      if (size > 0) raw(values.data(), size * sizeof(Element));
    } else {
      for (Element& element : values) one(element);
    }
  }

  void raw(void* value, size_t bytes) {
    if (!reading_) {
      const auto* from = static_cast<const std::byte*>(value);
      bytes_.insert(bytes_.end(), from, from + bytes);
      return;
    }
    if (bytes > from_.size()) too_short();
    std::memcpy(value, from_.data(), bytes);
    from_ = from_.subspan(bytes);
  }

  [[noreturn]] static void too_short() {
    throw StateError("a saved state must be whole, got one that ends early. Start the run anew");
  }

  bool reading_ = false;
  std::span<const std::byte> from_;
  std::vector<std::byte> bytes_;
};

}  // namespace potluck
