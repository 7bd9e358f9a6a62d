#include "tools/experiments/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include "kernels/error.h"
#include "tools/common/nearest_name.h"

namespace orbit {
namespace {

constexpr int kMaxDepth = 16;  // of nested maps

// The shortest text that reads back to the same number and is recognisable as a floating-point number.
std::string ToText(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  return std::string(text, end);
}

std::string ToText(const ConfigValue& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&value)) return ToText(*number);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  YAML::Emitter emitter;
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (text->empty()) return "\"\"";
    emitter << *text;
  } else if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) {
    emitter << YAML::Flow << *list;
  } else if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
    std::string text;
    for (const double number : *numbers) text += (text.empty() ? "" : ", ") + ToText(number);
    return "[" + text + "]";
  } else {
    emitter << YAML::Flow << YAML::BeginSeq;
    for (const std::string& text : std::get<std::vector<std::string>>(value)) emitter << YAML::DoubleQuoted << text;
    emitter << YAML::EndSeq;
  }
  return emitter.c_str();
}

const char* KindOf(const ConfigValue& value) {
  constexpr const char* kKinds[] = {"an integer",         "a number",          "a string",         "true or false",
                                    "a list of integers", "a list of numbers", "a list of strings"};
  return kKinds[value.index()];
}

std::string Describe(const YAML::Node& node) {
  if (node.IsScalar()) return "'" + node.Scalar() + "'";
  return node.IsMap() ? "a map" : node.IsSequence() ? "a list" : "nothing";
}

bool ReadDouble(const YAML::Node& node, double& value) {
  if (!node.IsScalar()) return false;
  std::string_view text = node.Scalar();
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

bool ReadInt(const YAML::Node& node, int64_t& value) {
  double number;
  if (!ReadDouble(node, number) || number != std::floor(number) || std::abs(number) > 9e15) return false;
  value = static_cast<int64_t>(number);
  return true;
}

bool ReadString(const YAML::Node& node, std::string& value) {
  if (!node.IsScalar()) return false;
  value = node.Scalar();
  return true;
}

template <class T>
bool ReadList(const YAML::Node& node, bool (*read)(const YAML::Node&, T&), std::vector<T>& list) {
  if (!node.IsSequence()) return false;
  std::vector<T> values(node.size());
  for (size_t i = 0; i < values.size(); ++i)
    if (!read(node[i], values[i])) return false;
  list = std::move(values);
  return true;
}

// Reads a value of the type that `value` holds; returns false if the node has another type.
bool Read(const YAML::Node& node, ConfigValue& value) {
  if (auto* list = std::get_if<std::vector<int64_t>>(&value)) return ReadList(node, ReadInt, *list);
  if (auto* list = std::get_if<std::vector<double>>(&value)) return ReadList(node, ReadDouble, *list);
  if (auto* list = std::get_if<std::vector<std::string>>(&value); list && !node.IsScalar())
    return ReadList(node, ReadString, *list);
  if (!node.IsScalar()) return false;
  if (auto* list = std::get_if<std::vector<std::string>>(&value)) {
    *list = node.Scalar().empty() ? std::vector<std::string>() : std::vector<std::string>{node.Scalar()};
    return true;
  }
  if (auto* number = std::get_if<int64_t>(&value)) return ReadInt(node, *number);
  if (auto* number = std::get_if<double>(&value)) return ReadDouble(node, *number);
  if (auto* flag = std::get_if<bool>(&value)) return YAML::convert<bool>::decode(node, *flag);
  std::get<std::string>(value) = node.Scalar();
  return true;
}

void CheckBounds(const std::string& what, double value, const Bounds& bounds) {
  Check(value >= bounds.min, what, " must be at least ", ToText(bounds.min), ", got ", ToText(value));
  Check(value <= bounds.max, what, " must be at most ", ToText(bounds.max), ", got ", ToText(value));
}

}  // namespace

void ConfigSchema::Add(Entry entry) {
  for (const Entry& other : entries_) Check(other.key != entry.key, "the setting ", entry.key, " is declared twice");
  entries_.push_back(std::move(entry));
}

void ConfigSchema::Int(const std::string& key, int64_t value, const std::string& help, Bounds bounds) {
  Add({key, value, help, bounds, {}});
}
void ConfigSchema::Double(const std::string& key, double value, const std::string& help, Bounds bounds) {
  Add({key, value, help, bounds, {}});
}
void ConfigSchema::Bool(const std::string& key, bool value, const std::string& help) {
  Add({key, value, help, {}, {}});
}
void ConfigSchema::String(const std::string& key, const std::string& value, const std::string& help,
                          const std::vector<std::string>& allowed) {
  Add({key, value, help, {}, allowed});
}
void ConfigSchema::IntList(const std::string& key, const std::vector<int64_t>& value, const std::string& help,
                           Bounds bounds) {
  Add({key, value, help, bounds, {}});
}

void ConfigSchema::DoubleList(const std::string& key, const std::vector<double>& value, const std::string& help,
                              Bounds bounds) {
  Add({key, value, help, bounds, {}});
}
void ConfigSchema::StringList(const std::string& key, const std::vector<std::string>& value, const std::string& help) {
  Add({key, value, help, {}, {}});
}

YAML::Node LoadYaml(const std::string& yaml, const std::string& source) {
  std::vector<YAML::Node> documents;
  try {
    documents = YAML::LoadAll(yaml);
  } catch (const YAML::Exception& error) {
    Fail(source, ":", error.mark.line + 1, ": not YAML: ", error.msg);
  }
  std::erase_if(documents, [](const YAML::Node& document) { return document.IsNull(); });
  if (documents.empty()) return YAML::Node();
  Check(documents.size() == 1, source, ":", documents.back().Mark().line + 1,
        ": a second document (after ---), where one is read");
  return documents.front();
}

void Config::MergeYaml(const std::string& yaml, const std::string& source) {
  Merge(LoadYaml(yaml, source), [&](const YAML::Node& node) {
    return node.Mark().is_null() ? source : source + ":" + std::to_string(node.Mark().line + 1);
  });
}

void Config::Merge(const YAML::Node& root, const std::function<std::string(const YAML::Node&)>& place) {
  if (root.IsNull()) return;
  Check(root.IsMap(), place(root), ": a map of settings expected, got ", Describe(root));

  std::set<std::string> seen;
  const auto set = [&](const std::string& key, const YAML::Node& node) {
    const std::string what = place(node) + ": " + key;
    Check(seen.insert(key).second, what, " is set twice");
    const auto entry =
        std::find_if(entries_.begin(), entries_.end(), [&](const auto& candidate) { return candidate.key == key; });
    if (entry == entries_.end()) {
      std::vector<std::string> keys;
      for (const auto& candidate : entries_) keys.push_back(candidate.key);
      Fail(place(node), ": unknown key '", key, "'", DidYouMeanKey(key, keys));
    }
    ConfigValue value = entry->value;
    Check(Read(node, value), what, " must be ", KindOf(value), ", got ", Describe(node));
    if (const auto* text = std::get_if<std::string>(&value); text && !entry->allowed.empty())
      Check(std::count(entry->allowed.begin(), entry->allowed.end(), *text) > 0, what, " cannot be '", *text, "'",
            DidYouMean(*text, entry->allowed));
    if (const auto* number = std::get_if<int64_t>(&value))
      CheckBounds(what, static_cast<double>(*number), entry->bounds);
    if (const auto* number = std::get_if<double>(&value)) CheckBounds(what, *number, entry->bounds);
    if (const auto* list = std::get_if<std::vector<int64_t>>(&value))
      for (const int64_t number : *list) CheckBounds(what, static_cast<double>(number), entry->bounds);
    if (const auto* list = std::get_if<std::vector<double>>(&value))
      for (const double number : *list) CheckBounds(what, number, entry->bounds);
    entry->value = std::move(value);
  };
  const auto visit = [&](const auto& self, const std::string& prefix, const YAML::Node& map, int depth) -> void {
    Check(depth < kMaxDepth, place(map), ": nested more than ", kMaxDepth, " deep");  // an alias may contain itself
    for (const auto& item : map) {
      Check(item.first.IsScalar(), place(item.first), ": keys are names, got ", Describe(item.first));
      const std::string key = prefix + item.first.Scalar();
      if (item.second.IsMap())
        self(self, key + ".", item.second, depth + 1);
      else
        set(key, item.second);
    }
  };
  visit(visit, "", root, 0);
}

void Config::Set(const std::string& assignment) {
  const size_t equals = assignment.find('=');
  Check(equals != std::string::npos && equals > 0, "'", assignment, "' is no assignment: key=value expected");
  const std::string key = assignment.substr(0, equals);
  YAML::Node value;
  try {
    value = YAML::Load(assignment.substr(equals + 1));
  } catch (const YAML::Exception&) {
    value = YAML::Node(assignment.substr(equals + 1));
  }
  YAML::Node root;
  root[key] = value.IsNull() ? YAML::Node("") : value;
  Merge(root, [&](const YAML::Node&) { return "'" + assignment + "'"; });
}

std::vector<std::string> Config::DifferingKeys(const Config& other) const {
  std::vector<std::string> keys;
  for (size_t i = 0; i < entries_.size(); ++i)
    if (entries_[i].value != other.entries_.at(i).value) keys.push_back(entries_[i].key);
  return keys;
}

SettingTexts Config::Texts() const {
  SettingTexts texts;
  for (const auto& entry : entries_) texts.emplace_back(entry.key, ToText(entry.value));
  return texts;
}

bool Config::Has(const std::string& key) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.key == key; });
}

template <class T>
const T& Config::Get(const std::string& key) const {
  for (const auto& entry : entries_)
    if (entry.key == key) {
      Check(std::holds_alternative<T>(entry.value), "the setting ", key, " is ", KindOf(entry.value));
      return std::get<T>(entry.value);
    }
  Fail("there is no setting ", key);
}

template const int64_t& Config::Get<int64_t>(const std::string&) const;
template const double& Config::Get<double>(const std::string&) const;
template const bool& Config::Get<bool>(const std::string&) const;
template const std::string& Config::Get<std::string>(const std::string&) const;
template const std::vector<int64_t>& Config::Get<std::vector<int64_t>>(const std::string&) const;
template const std::vector<double>& Config::Get<std::vector<double>>(const std::string&) const;
template const std::vector<std::string>& Config::Get<std::vector<std::string>>(const std::string&) const;

template <class T>
void Config::SetValue(const std::string& key, const T& value) {
  Get<T>(key);  // throws where there is no such setting
  for (auto& entry : entries_)
    if (entry.key == key) entry.value = value;
}

template void Config::SetValue<std::string>(const std::string&, const std::string&);
template void Config::SetValue<std::vector<double>>(const std::string&, const std::vector<double>&);
template void Config::SetValue<std::vector<std::string>>(const std::string&, const std::vector<std::string>&);

std::string Config::ToYaml() const {
  std::ostringstream yaml;
  for (const auto& entry : entries_) {
    std::string comment = entry.help;
    if (!entry.allowed.empty()) {
      std::string allowed;
      for (const std::string& name : entry.allowed) allowed += (allowed.empty() ? "" : ", ") + name;
      comment += (comment.empty() ? "" : ": ") + allowed;
    }
    std::string line = entry.key + ": " + ToText(entry.value);
    if (!comment.empty()) line += std::string(line.size() < 40 ? 40 - line.size() : 0, ' ') + "  # " + comment;
    yaml << line << "\n";
  }
  return yaml.str();
}

}  // namespace orbit
