// SPDX-License-Identifier: Apache-2.0
#include "plugins/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "plugins/plain_text.h"

namespace potluck {

namespace {

// NOLINTBEGIN(bugprone-macro-parentheses): a type stands in no parentheses there.
/// Size of a struct up to and with its last member of version 1.0: the least that any plugin may say.
#define POTLUCK_SIZE_THROUGH(type, member) (offsetof(type, member) + sizeof(static_cast<type*>(nullptr)->member))
constexpr size_t kPluginBytes = POTLUCK_SIZE_THROUGH(potluck_plugin, models);
constexpr size_t kModelBytes = POTLUCK_SIZE_THROUGH(potluck_model_kind, category_energies);
constexpr size_t kInputBytes = POTLUCK_SIZE_THROUGH(potluck_input, summary);
constexpr size_t kSettingBytes = POTLUCK_SIZE_THROUGH(potluck_setting, summary);
/// From here on an input says whether it is optional.
constexpr size_t kOptionalInputBytes = POTLUCK_SIZE_THROUGH(potluck_input, optional);
/// From here on it says whether a label of it may be -1.
constexpr size_t kNoneInputBytes = POTLUCK_SIZE_THROUGH(potluck_input, may_be_none);
#undef POTLUCK_SIZE_THROUGH
// NOLINTEND(bugprone-macro-parentheses)

template <typename... Parts>
[[noreturn]] void refuse(fmt::format_string<Parts...> format, Parts&&... parts) {
  throw PluginError(fmt::format(format, std::forward<Parts>(parts)...));
}

/// More than any struct of the door will have.
constexpr size_t kMostBytes = 65536;

void check_size(const std::string& what, const char* type, size_t needed, size_t size) {
  if (size > kMostBytes)
    refuse("{} must have a size of at most {} bytes, got {}. Set it to sizeof({})", what, kMostBytes, size, type);
  if (size < needed) refuse("{} must have the {} bytes of {}, got {}", what, needed, type, size);
}

std::string text_or_empty(const std::string& what, const char* text) {
  if (text == nullptr) return "";
  if (!is_utf8(text)) refuse("{} must be UTF-8, got other bytes: '{}'", what, plain_line(text));
  return text;
}

std::string given_text(const std::string& what, const char* text) {
  if (text == nullptr || *text == '\0') refuse("{} must be given, got none. Set it in the table", what);
  return text_or_empty(what, text);
}

/// Names of inputs and settings: what can stand as a key in a composition.
std::string key_name(const std::string& what, const char* text) {
  std::string name = given_text(what, text);
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto sound = [letter](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  if (!letter(name[0]) || !std::all_of(name.begin(), name.end(), sound)) {
    refuse("{} must be a word of letters, digits and _, got '{}'", what, name);
  }
  return name;
}

template <typename Described>
void refuse_twins(const std::string& what, const std::vector<Described>& all) {
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (all[i].name == all[j].name) refuse("{} '{}' is declared twice", what, all[i].name);
    }
  }
}

InputDescription read_input(const std::string& model, const potluck_input& input) {
  check_size(model + ": an input", "potluck_input", kInputBytes, input.size);
  InputDescription description;
  description.name = key_name(model + ": an input's name", input.name);
  const std::string what = model + ": input '" + description.name + "'";
  if (input.kind != POTLUCK_CONTINUOUS && input.kind != POTLUCK_CATEGORICAL) {
    refuse("{}: its kind must be POTLUCK_CONTINUOUS or POTLUCK_CATEGORICAL, got {}", what, input.kind);
  }
  if (input.role != POTLUCK_DRAWN && input.role != POTLUCK_PARENT) {
    refuse("{}: its role must be POTLUCK_DRAWN or POTLUCK_PARENT, got {}", what, input.role);
  }
  description.categorical = input.kind == POTLUCK_CATEGORICAL;
  description.parent = input.role == POTLUCK_PARENT;
  description.summary = text_or_empty(what + ": its summary", input.summary);
  if (input.size >= kOptionalInputBytes) {
    if (input.optional != 0 && input.optional != 1)
      refuse("{}: its optional must be 0 or 1, got {}", what, input.optional);
    description.optional = input.optional == 1;
  }
  if (input.size >= kNoneInputBytes) {
    const bool may = description.optional && description.categorical;
    if (input.may_be_none != 0 && !(input.may_be_none == 1 && may))
      refuse("{}: its may_be_none must be {}, got {}", what,
             may ? "0 or 1" : "0, since it is not an optional categorical input", input.may_be_none);
    description.may_be_none = input.may_be_none == 1;
  }
  return description;
}

SettingKind read_kind(const std::string& what, int32_t kind) {
  switch (kind & ~POTLUCK_LIST) {
    case POTLUCK_BOOL:
      return SettingKind::kBool;
    case POTLUCK_INTEGER:
      return SettingKind::kInteger;
    case POTLUCK_REAL:
      return SettingKind::kReal;
    case POTLUCK_TEXT:
      return SettingKind::kText;
    case POTLUCK_CHOICE:
      return SettingKind::kChoice;
    case POTLUCK_FILE:
      return SettingKind::kFile;
    default:
      refuse("{}: its kind must be one of those in potluck/plugin.h, got {}", what, kind);
  }
}

std::vector<std::string> read_choices(const std::string& what, const potluck_setting& setting, bool wanted) {
  std::vector<std::string> choices;
  for (const char* const* choice = setting.choices; choice != nullptr && *choice != nullptr; ++choice) {
    choices.push_back(text_or_empty(what + ": a choice", *choice));
  }
  if (wanted && choices.empty())
    refuse("{}: its choices must be given, got none. List them, with NULL at the end", what);
  if (!wanted && !choices.empty())
    refuse("{}: its choices must be NULL, got {} of them. Only a setting of kind POTLUCK_CHOICE has choices", what,
           choices.size());
  return choices;
}

SettingDescription read_setting(const std::string& model, const potluck_setting& setting) {
  check_size(model + ": a setting", "potluck_setting", kSettingBytes, setting.size);
  SettingDescription description;
  description.name = key_name(model + ": a setting's name", setting.name);
  const std::string what = model + ": setting '" + description.name + "'";
  description.kind = read_kind(what, setting.kind);
  description.list = (setting.kind & POTLUCK_LIST) != 0;
  if (setting.preset != nullptr) description.preset = text_or_empty(what + ": its preset", setting.preset);
  if (setting.unit != nullptr && *setting.unit != '\0')
    description.unit = text_or_empty(what + ": its unit", setting.unit);
  if (description.kind == SettingKind::kInteger || description.kind == SettingKind::kReal) {
    description.least = setting.least;
    description.most = setting.most;
    if (!(setting.least <= setting.most)) {
      refuse("{}: its least must be <= its most, got {} and {}", what, setting.least, setting.most);
    }
  }
  description.choices = read_choices(what, setting, description.kind == SettingKind::kChoice);
  description.summary = text_or_empty(what + ": its summary", setting.summary);
  try {
    if (description.preset) preset_value(description, what + ": its preset");
  } catch (const SettingError& error) {
    throw PluginError(error.what());
  }
  return description;
}

ModelKind read_model(const potluck_model_kind& model, const std::string& id) {
  check_size("a model's table", "potluck_model_kind", kModelBytes, model.size);
  ModelKind kind;
  kind.name = given_text("a model's name", model.name);
  const std::string complaint = complaint_about_model_name(kind.name, id);
  if (!complaint.empty()) throw PluginError(complaint);
  const std::string what = "model '" + kind.name + "'";
  kind.summary = text_or_empty(what + ": its summary", model.summary);
  kind.reference = text_or_empty(what + ": its reference", model.reference);
  const auto check_given = [&](const char* function, bool given) {
    if (!given) refuse("{}: {} must be given, got a null pointer. Set it in the model's table", what, function);
  };
  check_given("create", model.create != nullptr);
  check_given("destroy", model.destroy != nullptr);
  check_given("facts", model.facts != nullptr);
  check_given("evaluate", model.evaluate != nullptr);
  for (auto* input = model.inputs; input != nullptr && *input != nullptr; ++input) {
    kind.inputs.push_back(read_input(what, **input));
  }
  if (std::all_of(kind.inputs.begin(), kind.inputs.end(), [](const InputDescription& input) { return input.parent; })) {
    refuse("{}: it must have an input that is drawn, got {}. Declare one with the role POTLUCK_DRAWN", what,
           kind.inputs.empty() ? "none" : "only parents");
  }
  if (std::all_of(kind.inputs.begin(), kind.inputs.end(),
                  [](const InputDescription& input) { return input.parent || input.optional; })) {
    refuse(
        "{}: it must have an input that is drawn and not optional, got only optional ones. Declare one with optional "
        "= 0",
        what);
  }
  for (auto* setting = model.settings; setting != nullptr && *setting != nullptr; ++setting) {
    kind.settings.push_back(read_setting(what, **setting));
  }
  refuse_twins(what + ": input", kind.inputs);
  refuse_twins(what + ": setting", kind.settings);
  kind.table = &model;
  return kind;
}

void compare(const char* what, const std::string& in_note, const std::string& in_table) {
  if (in_note != in_table) refuse("its note says {} '{}', its table '{}'. Rebuild it", what, in_note, in_table);
}

}  // namespace

std::string complaint_about_model_name(const std::string& name, const std::string& id) {
  if (!is_dotted_name(name)) return fmt::format("model '{}': its name must be lower-case words joined by dots", name);
  const bool ours = id.starts_with("potluck.");
  if (ours && name.find('.') != std::string::npos) {
    return fmt::format("model '{}': the models of plugin '{}' must have names without a dot", name, id);
  }
  if (!ours && name != id && !name.starts_with(id + ".")) {
    return fmt::format("model '{}': its name must be the plugin's id, or begin with '{}.'", name, id);
  }
  return "";
}

std::vector<ModelKind> read_table(const potluck_plugin* table) {
  if (table == nullptr) refuse("its potluck_plugin_v1() must return a table, got a null pointer");
  check_size("its table", "potluck_plugin", kPluginBytes, table->size);
  const std::string id = given_text("its table's id", table->id);
  if (!is_dotted_name(id)) refuse("its table's id must be lower-case words joined by dots, got '{}'", id);
  const std::string version = given_text("its table's version", table->version);
  if (table->needs_minor > POTLUCK_ABI_MINOR) {
    refuse("its table needs version {}.{} of the door, this Potluck has {}.{}. Use a newer Potluck", POTLUCK_ABI_MAJOR,
           table->needs_minor, POTLUCK_ABI_MAJOR, POTLUCK_ABI_MINOR);
  }
  std::vector<ModelKind> kinds;
  for (auto* model = table->models; model != nullptr && *model != nullptr; ++model) {
    kinds.push_back(read_model(**model, id));
    kinds.back().plugin_id = id;
    kinds.back().plugin_version = version;
  }
  if (kinds.empty()) refuse("its table must have a model, got none. List its models, with NULL at the end");
  refuse_twins("model", kinds);
  return kinds;
}

void compare_with_note(const potluck_plugin& table, const PluginNote& note) {
  compare("id", note.id, text_or_empty("its table's id", table.id));
  compare("version", note.version, text_or_empty("its table's version", table.version));
  compare("licence", note.licence, text_or_empty("its table's licence", table.licence));
  compare("needs_minor", std::to_string(note.needs_minor), std::to_string(table.needs_minor));
  std::vector<std::string> models;
  for (auto* model = table.models; model != nullptr && *model != nullptr; ++model) {
    models.push_back(text_or_empty("a model's name", (*model)->name));
  }
  compare("models", fmt::format("{}", fmt::join(note.models, ",")), fmt::format("{}", fmt::join(models, ",")));
}

}  // namespace potluck
