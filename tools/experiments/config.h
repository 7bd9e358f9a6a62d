// Config: a program's settings, each declared with type, default, meaning and bounds.
//
//   ConfigSchema schema;
//   schema.Int("train.batch", 100, "examples a step", {.min = 1});
//   schema.String("model.distribution", "learned", "of the group elements", {"learned", "haar", "canonical"});
//   Config config(schema);
//   config.MergeYaml("train: {batch: 50}", "my.yaml");
//   config.Set("train.batch=60");
//   config.Int("train.batch");  // 60
//
// Mistakes in a file or an assignment, unknown keys above all, throw Error with their place and what would be right.
#ifndef ORBIT_TOOLS_EXPERIMENTS_CONFIG_H_
#define ORBIT_TOOLS_EXPERIMENTS_CONFIG_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tools/common/setting_changes.h"

namespace YAML {
class Node;
}  // namespace YAML

namespace orbit {

// Parses a YAML document; null for an empty text. Throws Error, starting with SOURCE:LINE, for malformed YAML and for a
// second document.
YAML::Node LoadYaml(const std::string& yaml, const std::string& source);

using ConfigValue = std::variant<int64_t, double, std::string, bool, std::vector<int64_t>, std::vector<double>,
                                 std::vector<std::string>>;

// Inclusive bounds, for every element if the value is a list.
struct Bounds {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
};

// Declaring a key twice throws Error.
class ConfigSchema {
 public:
  void Int(const std::string& key, int64_t value, const std::string& help, Bounds bounds = {});
  void Double(const std::string& key, double value, const std::string& help, Bounds bounds = {});
  void Bool(const std::string& key, bool value, const std::string& help);
  // `allowed` lists the allowed values; if it is empty, all are.
  void String(const std::string& key, const std::string& value, const std::string& help,
              const std::vector<std::string>& allowed = {});
  void IntList(const std::string& key, const std::vector<int64_t>& value, const std::string& help, Bounds bounds = {});
  void DoubleList(const std::string& key, const std::vector<double>& value, const std::string& help,
                  Bounds bounds = {});
  // In a file or an assignment a single string stands for a list of it, and an empty one for an empty list.
  void StringList(const std::string& key, const std::vector<std::string>& value, const std::string& help);

 private:
  friend class Config;
  struct Entry {
    std::string key;
    ConfigValue value;
    std::string help;
    Bounds bounds;
    std::vector<std::string> allowed;
  };
  void Add(Entry entry);
  std::vector<Entry> entries_;
};

class Config {
 public:
  explicit Config(ConfigSchema schema) : entries_(std::move(schema.entries_)) {}

  // Merges settings in YAML, nested ("train: {batch: 50}") or dotted ("train.batch: 50"); `source` is for messages.
  void MergeYaml(const std::string& yaml, const std::string& source);
  void Set(const std::string& assignment);  // "key=value", with the value in YAML
  void SetString(const std::string& key, const std::string& value) { SetValue(key, value); }
  void SetDoubleList(const std::string& key, const std::vector<double>& value) { SetValue(key, value); }
  void SetStringList(const std::string& key, const std::vector<std::string>& value) { SetValue(key, value); }

  bool Has(const std::string& key) const;  // whether it was declared

  // Throw Error for a key that was not declared with this type.
  int64_t Int(const std::string& key) const { return Get<int64_t>(key); }
  double Double(const std::string& key) const { return Get<double>(key); }
  bool Bool(const std::string& key) const { return Get<bool>(key); }
  const std::string& String(const std::string& key) const { return Get<std::string>(key); }
  const std::vector<int64_t>& IntList(const std::string& key) const { return Get<std::vector<int64_t>>(key); }
  const std::vector<double>& DoubleList(const std::string& key) const { return Get<std::vector<double>>(key); }
  const std::vector<std::string>& StringList(const std::string& key) const {
    return Get<std::vector<std::string>>(key);
  }

  // The keys whose values differ from those of another config of the same schema.
  std::vector<std::string> DifferingKeys(const Config& other) const;

  // All settings, in the order of their declaration.
  SettingTexts Texts() const;

  // All settings with their meanings as comments. MergeYaml reads it back to the same values.
  std::string ToYaml() const;

 private:
  // `place` returns the place of a node, for messages.
  void Merge(const YAML::Node& root, const std::function<std::string(const YAML::Node&)>& place);
  template <class T>
  const T& Get(const std::string& key) const;
  template <class T>
  void SetValue(const std::string& key, const T& value);

  std::vector<ConfigSchema::Entry> entries_;
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_EXPERIMENTS_CONFIG_H_
