#include "data/io/pickle.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "data/io/byte_budget.h"
#include "data/io/pickle_text.h"

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

namespace {

// The stack machine that executes a pickle's opcodes.
class PickleMachine {
 public:
  PickleMachine(std::span<const std::byte> contents, const std::string& name, std::deque<PickleValue>& values)
      : contents_(contents), name_(name), values_(values), copies_(contents.size(), name) {}

  const PickleValue* Run() {
    while (true) {
      start_ = at_;
      const auto code = static_cast<uint8_t>(Read(1)[0]);
      if (code == '.') return Pop();
      Execute(code);
    }
  }

  size_t at() const { return at_; }

 private:
  template <class... Args>
  [[noreturn]] void Refuse(Args&&... what) const {
    Fail(name_, ": at byte ", start_, " of the pickle: ", std::forward<Args>(what)...);
  }

  // Reads the next bytes.
  std::span<const std::byte> Read(uint64_t count) {
    if (count > contents_.size() - at_) Refuse("the file ends early: ", count, " bytes are missing");
    const auto bytes = contents_.subspan(at_, count);
    at_ += count;
    return bytes;
  }
  template <class T>
  T ReadNumber() {
    T number;
    std::memcpy(&number, Read(sizeof(T)).data(), sizeof(T));
    return number;
  }
  std::string ReadText(uint64_t count) {
    const auto bytes = Read(count);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::string ReadLine() {
    const size_t begin = at_;
    while (at_ < contents_.size() && contents_[at_] != std::byte{'\n'}) ++at_;
    if (at_ == contents_.size()) Refuse("a line without end");
    const std::string line(reinterpret_cast<const char*>(contents_.data()) + begin, at_ - begin);
    ++at_;
    return line;
  }
  template <class T>
  T ParseNumber(std::string_view text) {
    T number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) Refuse("'", text, "' is no number");
    return number;
  }

  // Copies what a file may refer to repeatedly; the budget is proportional to the file's size.
  std::string Copy(const std::string& bytes) {
    copies_.Take(bytes.size());
    return bytes;
  }
  std::vector<PickleValue*> Copy(const std::vector<PickleValue*>& items) {
    copies_.Take(items.size() * sizeof(PickleValue*));
    return items;
  }

  PickleValue* Make(Kind kind) {
    values_.emplace_back();
    values_.back().kind = kind;
    return &values_.back();
  }
  PickleValue* Make(Kind kind, std::string bytes) {
    PickleValue* value = Make(kind);
    value->bytes = std::move(bytes);
    return value;
  }
  PickleValue* MakeInt(int64_t integer, Kind kind = Kind::kInt) {
    PickleValue* value = Make(kind);
    value->integer = integer;
    return value;
  }
  // Makes an object of a class, or of the result of a callable.
  PickleValue* MakeObject(const PickleValue* callable, const PickleValue* arguments) {
    if (callable->kind != Kind::kGlobal && callable->kind != Kind::kObject)
      Refuse("it would call a ", NameOf(callable->kind));
    PickleValue* object = Make(Kind::kObject);
    object->type = callable->kind == Kind::kObject ? callable->type : callable;
    object->arguments = arguments;
    return object;
  }

  void Push(PickleValue* value) { stack_.push_back(value); }
  PickleValue* Pop() {
    if (stack_.size() <= Bottom()) Refuse("the stack is empty");
    PickleValue* value = stack_.back();
    stack_.pop_back();
    return value;
  }
  PickleValue* Top() {
    if (stack_.size() <= Bottom()) Refuse("the stack is empty");
    return stack_.back();
  }
  size_t Bottom() const { return marks_.empty() ? 0 : marks_.back(); }
  std::vector<PickleValue*> PopToMark() {
    if (marks_.empty()) Refuse("there is no mark");
    std::vector<PickleValue*> items(stack_.begin() + static_cast<int64_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  PickleValue* PopKind(Kind kind, const char* what) {
    PickleValue* value = Pop();
    if (value->kind != kind) Refuse(what, " is a ", NameOf(value->kind), ", not a ", NameOf(kind));
    return value;
  }

  void Memoize(uint64_t key) { memo_[key] = Top(); }
  void Recall(uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) Refuse("nothing was remembered under ", key);
    Push(found->second);
  }

  void PushTuple(size_t count) {
    PickleValue* tuple = Make(Kind::kTuple);
    tuple->items.resize(count);
    for (size_t i = count; i-- > 0;) tuple->items[i] = Pop();
    Push(tuple);
  }
  void PushLong(const std::string& bytes) {
    if (bytes.size() > 8) return Push(Make(Kind::kBigInt, bytes));
    uint64_t number = bytes.empty() || static_cast<int8_t>(bytes.back()) >= 0 ? 0 : ~uint64_t{0};
    for (size_t i = bytes.size(); i-- > 0;) number = number << 8 | static_cast<uint8_t>(bytes[i]);
    Push(MakeInt(static_cast<int64_t>(number)));
  }
  // Lets f parse text; adds the place to its errors.
  std::string ReadAs(std::string (*f)(std::string_view), std::string_view text) {
    try {
      return f(text);
    } catch (const Error& error) {
      Refuse(error.what());
    }
  }
  void Extend(PickleValue* container, const std::vector<PickleValue*>& items) {
    if (container->kind == Kind::kDict && items.size() % 2 != 0) Refuse("a key without a value");
    container->items.insert(container->items.end(), items.begin(), items.end());
  }
  // The container on top of the stack for items of this kind. For an object of a subclass, it is the object's own
  // container.
  PickleValue* TopContainer(Kind kind) {
    PickleValue* container = Top();
    if (container->kind == Kind::kObject) {
      PickleValue*& own = kind == Kind::kDict ? container->dict : container->list;
      if (own == nullptr) own = Make(kind == Kind::kDict ? Kind::kDict : Kind::kList);
      return own;
    }
    if (container->kind != kind) Refuse("a ", NameOf(container->kind), " is no ", NameOf(kind));
    return container;
  }

  void Execute(uint8_t code);
  PickleValue* Call(const PickleValue* callable, const PickleValue* arguments);

  std::span<const std::byte> contents_;
  const std::string& name_;
  std::deque<PickleValue>& values_;
  size_t at_ = 0, start_ = 0;
  std::vector<PickleValue*> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, PickleValue*> memo_;
  ByteBudget copies_;
};

void PickleMachine::Execute(uint8_t code) {
  switch (code) {
    case 0x80:  // PROTO
      if (const auto protocol = ReadNumber<uint8_t>(); protocol > 5) Refuse("protocol ", int{protocol}, " is unknown");
      return;
    case 0x95:  // FRAME
      ReadNumber<uint64_t>();
      return;
    case '(':
      return marks_.push_back(stack_.size());
    case '0':
      if (stack_.size() == Bottom() && !marks_.empty()) return marks_.pop_back();
      Pop();
      return;
    case '1':
      PopToMark();
      return;
    case '2':
      return Push(Top());
    case 'N':
      return Push(Make(Kind::kNone));
    case 0x88:
    case 0x89:
      return Push(MakeInt(code == 0x88, Kind::kBool));
    case 'I': {
      const std::string line = ReadLine();
      if (line == "00" || line == "01") return Push(MakeInt(line == "01", Kind::kBool));
      return PushLong(ReadAs(ParseDecimal, line));
    }
    case 'J':
      return Push(MakeInt(ReadNumber<int32_t>()));
    case 'K':
      return Push(MakeInt(ReadNumber<uint8_t>()));
    case 'M':
      return Push(MakeInt(ReadNumber<uint16_t>()));
    case 'L': {
      std::string line = ReadLine();
      if (line.ends_with('L')) line.pop_back();
      return PushLong(ReadAs(ParseDecimal, line));
    }
    case 0x8a:
      return PushLong(ReadText(ReadNumber<uint8_t>()));
    case 0x8b:
      return PushLong(ReadText(ReadNumber<uint32_t>()));
    case 'F':
    case 'G': {
      PickleValue* value = Make(Kind::kFloat);
      value->number = code == 'F' ? ParseNumber<double>(ReadLine())
                                  : std::bit_cast<double>(__builtin_bswap64(ReadNumber<uint64_t>()));
      return Push(value);
    }
    case 'S': {
      const std::string line = ReadLine();
      if (line.size() < 2 || line.front() != line.back()) Refuse("a string without quotes");
      return Push(Make(Kind::kString, ReadAs(DecodeStringEscape, line.substr(1, line.size() - 2))));
    }
    case 'V':
      return Push(Make(Kind::kString, ReadAs(DecodeRawUnicodeEscape, ReadLine())));
    case 'X':
    case 'T':
      return Push(Make(Kind::kString, ReadText(ReadNumber<uint32_t>())));
    case 'U':
    case 0x8c:
      return Push(Make(Kind::kString, ReadText(ReadNumber<uint8_t>())));
    case 0x8d:
      return Push(Make(Kind::kString, ReadText(ReadNumber<uint64_t>())));
    case 'B':
      return Push(Make(Kind::kBytes, ReadText(ReadNumber<uint32_t>())));
    case 'C':
      return Push(Make(Kind::kBytes, ReadText(ReadNumber<uint8_t>())));
    case 0x8e:
    case 0x96:
      return Push(Make(Kind::kBytes, ReadText(ReadNumber<uint64_t>())));
    case ')':
      return PushTuple(0);
    case 0x85:
    case 0x86:
    case 0x87:
      return PushTuple(code - 0x84);
    case ']':
      return Push(Make(Kind::kList));
    case '}':
      return Push(Make(Kind::kDict));
    case 0x8f:
      return Push(Make(Kind::kSet));
    case 't':
    case 'l':
    case 'd':
    case 0x91: {
      std::vector<PickleValue*> items = PopToMark();
      PickleValue* value = Make(code == 't'   ? Kind::kTuple
                                : code == 'l' ? Kind::kList
                                : code == 'd' ? Kind::kDict
                                              : Kind::kSet);
      Extend(value, items);
      return Push(value);
    }
    case 'a': {
      PickleValue* item = Pop();
      return Extend(TopContainer(Kind::kList), {item});
    }
    case 'e':
    case 0x90: {
      const std::vector<PickleValue*> items = PopToMark();
      return Extend(TopContainer(code == 'e' ? Kind::kList : Kind::kSet), items);
    }
    case 's': {
      PickleValue* value = Pop();
      PickleValue* key = Pop();
      return Extend(TopContainer(Kind::kDict), {key, value});
    }
    case 'u': {
      const std::vector<PickleValue*> items = PopToMark();
      return Extend(TopContainer(Kind::kDict), items);
    }
    case 'p':
      return Memoize(ParseNumber<uint64_t>(ReadLine()));
    case 'q':
      return Memoize(ReadNumber<uint8_t>());
    case 'r':
      return Memoize(ReadNumber<uint32_t>());
    case 0x94:
      return Memoize(memo_.size());
    case 'g':
      return Recall(ParseNumber<uint64_t>(ReadLine()));
    case 'h':
      return Recall(ReadNumber<uint8_t>());
    case 'j':
      return Recall(ReadNumber<uint32_t>());
    case 'c': {
      const std::string module = ReadLine();
      return Push(Make(Kind::kGlobal, module + "." + ReadLine()));
    }
    case 0x93: {
      const PickleValue* what = PopKind(Kind::kString, "a global's name");
      const PickleValue* module = PopKind(Kind::kString, "a global's module");
      return Push(Make(Kind::kGlobal, Copy(module->bytes) + "." + Copy(what->bytes)));
    }
    case 'R': {
      const PickleValue* arguments = PopKind(Kind::kTuple, "the arguments of a call");
      return Push(Call(Pop(), arguments));
    }
    case 0x92:  // NEWOBJ_EX; keyword arguments are dropped
      PopKind(Kind::kDict, "the keyword arguments of an object");
      [[fallthrough]];
    case 0x81: {  // NEWOBJ
      const PickleValue* arguments = PopKind(Kind::kTuple, "the arguments of an object");
      return Push(MakeObject(Pop(), arguments));
    }
    case 'i':    // INST
    case 'o': {  // OBJ
      PickleValue* arguments = Make(Kind::kTuple);
      arguments->items = PopToMark();
      const PickleValue* type = nullptr;
      if (code == 'i') {
        const std::string module = ReadLine();
        type = Make(Kind::kGlobal, module + "." + ReadLine());
      } else {
        if (arguments->items.empty()) Refuse("an object without a class");
        type = arguments->items.front();
        arguments->items.erase(arguments->items.begin());
      }
      return Push(MakeObject(type, arguments));
    }
    case 0x82:  // EXT1
    case 0x83:  // EXT2
    case 0x84:  // EXT4
      return Push(
          Make(Kind::kGlobal, "the registered extension " + std::to_string(code == 0x82   ? ReadNumber<uint8_t>()
                                                                           : code == 0x83 ? ReadNumber<uint16_t>()
                                                                                          : ReadNumber<uint32_t>())));
    case 'b': {  // BUILD; attributes of plain values are ignored
      const PickleValue* state = Pop();
      if (PickleValue* object = Top(); object->kind == Kind::kObject) object->state = state;
      return;
    }
    case 'P':    // PERSID
    case 'Q': {  // BINPERSID
      const PickleValue* id = code == 'P' ? Make(Kind::kString, ReadLine()) : Pop();
      PickleValue* reference = Make(Kind::kReference);
      reference->arguments = id;
      return Push(reference);
    }
    default:
      if (start_ == 0) Fail(name_, " is no pickle: none begins with the byte ", int{code});
      Refuse("opcode ", int{code}, " is unknown or not allowed");
  }
}

// Calls that only produce plain values are evaluated; any other call becomes an object.
PickleValue* PickleMachine::Call(const PickleValue* callable, const PickleValue* arguments) {
  const std::vector<PickleValue*>& given = arguments->items;
  const std::string& name = callable->bytes;
  const auto is = [&](std::initializer_list<const char*> names) {
    return callable->kind == Kind::kGlobal && std::find(names.begin(), names.end(), name) != names.end();
  };
  const auto has = [&](size_t i, Kind kind) { return i < given.size() && given[i]->kind == kind; };
  if (is({"collections.OrderedDict"})) {
    PickleValue* dictionary = Make(Kind::kDict);
    if (has(0, Kind::kList))  // of pairs, as written by Python 2
      for (const PickleValue* pair : given[0]->items)
        if (pair->items.size() == 2) Extend(dictionary, Copy(pair->items));
    return dictionary;
  }
  if (is({"builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset"}) &&
      (given.empty() || has(0, Kind::kList))) {
    PickleValue* set = Make(Kind::kSet);
    if (!given.empty()) set->items = Copy(given[0]->items);
    return set;
  }
  // Protocols 0 to 2 write bytes as text with the bytes as characters; up to protocol 4, bytearrays are written in
  // either way.
  if (is({"_codecs.encode"}) && has(0, Kind::kString)) {
    copies_.Take(given[0]->bytes.size());
    return Make(Kind::kBytes, ReadAs(EncodeLatin1, given[0]->bytes));
  }
  if (is({"builtins.bytes", "__builtin__.bytes", "builtins.bytearray", "__builtin__.bytearray"})) {
    if (given.empty()) return Make(Kind::kBytes);
    if (has(0, Kind::kBytes)) return Make(Kind::kBytes, Copy(given[0]->bytes));
    if (has(0, Kind::kString)) {
      copies_.Take(given[0]->bytes.size());
      return Make(Kind::kBytes, ReadAs(EncodeLatin1, given[0]->bytes));
    }
  }
  // (class, base, the base's value)
  if (is({"copy_reg._reconstructor", "copyreg._reconstructor"}) && has(0, Kind::kGlobal)) {
    PickleValue* object = MakeObject(given[0], nullptr);
    if (has(2, Kind::kDict)) object->dict = given[2];
    if (has(2, Kind::kList)) object->list = given[2];
    return object;
  }
  if (is({"copy_reg.__newobj__", "copyreg.__newobj__", "copyreg.__newobj_ex__"}) && has(0, Kind::kGlobal))
    return MakeObject(given[0], arguments);
  return MakeObject(callable, arguments);
}

}  // namespace

Pickle::Pickle(std::span<const std::byte> contents, const std::string& name) {
  PickleMachine machine(contents, name, values_);
  root_ = machine.Run();
  bytes_read_ = machine.at();
}

}  // namespace orbit
