#include "data/io/pickle.h"

#include "data/io/pickle_machine.h"
#include "kernels/error.h"

namespace orbit {

using Kind = PickleValue::Kind;

std::string NameOf(Kind kind) {
  constexpr const char* kNames[] = {"None",  "bool", "int", "long int", "float",  "str",    "bytes",
                                    "tuple", "list", "set", "dict",     "global", "object", "reference"};
  return kNames[static_cast<size_t>(kind)];
}

std::string Describe(const PickleValue& value) {
  return value.kind == Kind::kObject ? value.type->bytes : NameOf(value.kind);
}

const PickleValue* PickleValue::Find(std::string_view key) const {
  const auto find_in = [&](const PickleValue* dictionary) {
    const PickleValue* found = nullptr;
    if (dictionary == nullptr || dictionary->kind != Kind::kDict) return found;
    for (size_t i = 0; i + 1 < dictionary->items.size(); i += 2)
      if (dictionary->items[i]->kind == Kind::kString && dictionary->items[i]->bytes == key)
        found = dictionary->items[i + 1];
    return found;
  };
  if (const PickleValue* found = find_in(AsDict())) return found;
  if (kind != Kind::kObject || state == nullptr) return nullptr;
  if (state->kind != Kind::kTuple) return find_in(state);
  // The state has attributes in a dictionary, and attributes in slots.
  const PickleValue* found = nullptr;
  for (const PickleValue* part : state->items)
    if (found == nullptr) found = find_in(part);
  return found;
}

const PickleValue& PickleValue::At(std::string_view key, Kind wanted) const {
  const PickleValue* found = Find(key);
  Check(found != nullptr, "a ", Describe(*this), " has no '", key, "'");
  Check(found->kind == wanted, "'", key, "' is a ", Describe(*found), ", not a ", NameOf(wanted));
  return *found;
}

Pickle::Pickle(std::span<const std::byte> contents, const std::string& name) {
  PickleMachine machine(contents, name, values_);
  root_ = machine.Run();
  bytes_read_ = machine.at();
}

}  // namespace orbit
