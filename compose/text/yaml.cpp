// SPDX-License-Identifier: Apache-2.0
#include "compose/text/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/emitter.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

#include "core/files/formats/utf8_text.h"

namespace potluck {

namespace {

/// yaml-cpp's own tree keeps repeated keys silently and forgets anchors, so the tree is built from its events.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, bool positions, Diagnostics& diagnostics)
      : file_(file), positions_(positions), diagnostics_(diagnostics) {}

  Yaml root;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    if (at_key()) {
      diagnostics_.add(place(mark), "a key must be a name, got nothing");
      return open_key("", place(mark));
    }
    Yaml value;
    value.place = place(mark);
    put(std::move(value));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    diagnostics_.add(place(mark), "YAML aliases (*name) must not be used. Name a view or an energy and refer to it");
    if (at_key()) return open_key("", place(mark));
    Yaml value;
    value.place = place(mark);
    put(std::move(value));
  }

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    diagnostics_.add(place(mark),
                     "YAML anchors (&" + name + ") must not be used. Name a view or an energy and refer to it");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& text) override {
    refuse_tag(mark, tag);
    if (at_key()) {
      if (text.empty()) diagnostics_.add(place(mark), "a key must be a name, got an empty text");
      if (text == "<<") diagnostics_.add(place(mark), "YAML merge keys (<<) must not be used. Write the keys out");
      return open_key(text, place(mark));
    }
    Yaml value;
    value.kind = Yaml::Kind::kScalar;
    value.place = place(mark);
    value.text = text;
    value.quoted = tag == "!";
    put(std::move(value));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    start(mark, tag, Yaml::Kind::kList);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    start(mark, tag, Yaml::Kind::kMap);
  }
  void OnMapEnd() override { end(); }

  Place place(const YAML::Mark& mark) const {
    return positions_ && !mark.is_null() ? Place{file_, mark.line + 1, mark.column + 1} : Place{file_, 0, 0};
  }

  /// Of the list or map that is being read.
  Place innermost() const { return open_.empty() ? Place{file_, 0, 0} : open_.back().value.place; }

 private:
  /// A list or map that is still being read. A map holds the key whose value comes next.
  struct Open {
    Yaml value;
    bool has_key = false;
    bool drop = false;    ///< the key was refused: its value is read and forgotten
    bool is_key = false;  ///< stands where a key should: read and forgotten, the key's value comes after it
    Yaml::Entry entry;
  };

  bool at_key() const { return !open_.empty() && open_.back().value.is_map() && !open_.back().has_key; }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      diagnostics_.add(place(mark), "YAML tags (" + tag + ") must not be used. Write the plain value");
  }

  void open_key(const std::string& key, const Place& where) {
    Open& top = open_.back();
    top.has_key = true;
    top.entry = {key, where, {}};
    top.drop = key.empty() || key == "<<";
    if (top.drop) return;
    if (const Yaml::Entry* first = top.value.entry(key)) {
      diagnostics_.add(where, "key '" + key + "' must be given once, got it again (first at " +
                                  to_string(first->place) + "). Remove one of the two");
      top.drop = true;
    }
  }

  void start(const YAML::Mark& mark, const std::string& tag, Yaml::Kind kind) {
    refuse_tag(mark, tag);
    Open open;
    open.value.kind = kind;
    open.value.place = place(mark);
    open.is_key = at_key();
    if (open.is_key) {
      diagnostics_.add(place(mark), "a key must be a name, got a list or map. Put quotes around it");
      open_key("", place(mark));
    }
    open_.push_back(std::move(open));
  }

  void end() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (!done.is_key) put(std::move(done.value));
  }

  void put(Yaml value) {
    if (open_.empty()) {
      root = std::move(value);
      return;
    }
    Open& top = open_.back();
    if (top.value.is_list()) {
      top.value.list.push_back(std::move(value));
      return;
    }
    top.has_key = false;
    top.entry.value = std::move(value);
    if (!top.drop) top.value.map.push_back(std::move(top.entry));
  }

  std::string file_;
  bool positions_;
  Diagnostics& diagnostics_;
  std::vector<Open> open_;
};

using Replaced = std::map<const Yaml*, std::string>;

void emit(YAML::Emitter& out, const Yaml& value, int level, const Replaced& replaced) {
  switch (value.kind) {
    case Yaml::Kind::kNull:
      out << YAML::Null;
      return;
    case Yaml::Kind::kScalar:
      if (const auto found = replaced.find(&value); found != replaced.end())
        out << utf8_of_bytes(found->second);
      else
        out << utf8_of_bytes(value.text);
      return;
    case Yaml::Kind::kList:
      out << (level < 2 ? YAML::Block : YAML::Flow) << YAML::BeginSeq;
      for (const Yaml& item : value.list) emit(out, item, 2, replaced);
      out << YAML::EndSeq;
      return;
    case Yaml::Kind::kMap:
      out << (level < 2 ? YAML::Block : YAML::Flow) << YAML::BeginMap;
      for (const Yaml::Entry& entry : value.map) {
        out << YAML::Key << utf8_of_bytes(entry.key) << YAML::Value;
        emit(out, entry.value, level + 1, replaced);
      }
      out << YAML::EndMap;
      return;
  }
}

constexpr size_t kMostNamed = 100;  // items of a list

/// Calls `use(path, value)` for all below the root but numbers of lists.
template <class Use>
void walk(const Yaml& value, const std::string& path, const Use& use) {
  if (!path.empty()) use(path, value);
  for (const Yaml::Entry& entry : value.map) walk(entry.value, path.empty() ? entry.key : path + '.' + entry.key, use);
  for (size_t i = 0; i < value.list.size(); ++i)
    if (!value.list[i].is_scalar()) walk(value.list[i], fmt::format("{}[{}]", path, i), use);
}

}  // namespace

Yaml* Yaml::find(const std::string& key) {
  for (Entry& one : map)
    if (one.key == key) return &one.value;
  return nullptr;
}

const Yaml* Yaml::find(const std::string& key) const { return const_cast<Yaml*>(this)->find(key); }

const Yaml::Entry* Yaml::entry(const std::string& key) const {
  for (const Entry& one : map)
    if (one.key == key) return &one;
  return nullptr;
}

std::string Yaml::describe() const {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return "'" + text + "'";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "";
}

Yaml read_yaml(const std::string& text, const std::string& file, bool positions, Diagnostics& diagnostics) {
  TreeBuilder builder(file, positions, diagnostics);
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    diagnostics.add({file, 0, 0}, "must be text in UTF-8, got UTF-16. Save it anew");
    return {};
  }
  if (const size_t zero = text.find('\0'); zero != std::string::npos) {
    diagnostics.add({file, 0, 0}, "must be text, got a zero byte at offset " + std::to_string(zero));
    return {};
  }
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (parser.HandleNextDocument(builder)) {
      TreeBuilder second(file, positions, diagnostics);
      if (parser.HandleNextDocument(second))
        diagnostics.add(second.root.place, "must be one YAML document, got a second one. Remove the '---' before it");
    }
  } catch (const YAML::DeepRecursion&) {
    diagnostics.add(builder.innermost(),
                    "lists and maps must be nested at most 500 deep, got more. Name inner energies under 'energies'");
    return {};
  } catch (const YAML::Exception& error) {
    diagnostics.add(builder.place(error.mark),
                    "must be YAML, got a syntax error: " + error.msg +
                        ". Check brackets and indentation, and put quotes around text with : , [ ] { } # in it");
    return {};
  }
  return std::move(builder.root);
}

Places places_of(const Yaml& root) {
  Places places(root.place.file);
  walk(root, "", [&places](const std::string& path, const Yaml& value) { places.add(path, value.place); });
  return places;
}

void name_paths(const Yaml& root, Diagnostics& diagnostics) {
  walk(root, "", [&](const std::string& path, const Yaml& value) {
    diagnostics.name_path(value.place, path);
    for (const Yaml::Entry& entry : value.map) diagnostics.name_path(entry.place, path + "." + entry.key);
    if (value.list.size() > kMostNamed) return;  // of numbers
    for (size_t i = 0; i < value.list.size(); ++i)
      diagnostics.name_path(value.list[i].place, fmt::format("{}[{}]", path, i));
  });
}

std::string write_yaml(const Yaml& value, const Replaced& replaced) {
  YAML::Emitter out;
  emit(out, value, 0, replaced);
  return std::string(out.c_str()) + "\n";
}

}  // namespace potluck
