#include "data/io/pickle.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "data/io/pickle_text.h"
#include "data/io/torch_file.h"

namespace orbit {

using Kind = PickleValue::Kind;

std::string NameOf(Kind kind) {
  constexpr const char* kNames[] = {"None", "bool", "int",  "long int", "float",  "str",     "bytes", "tuple",
                                    "list", "set",  "dict", "global",   "object", "storage", "tensor"};
  return kNames[static_cast<size_t>(kind)];
}

const PickleValue* PickleValue::Find(std::string_view key) const {
  const PickleValue* dictionary = kind == Kind::kObject ? state : this;
  if (dictionary == nullptr || dictionary->kind != Kind::kDict) return nullptr;
  const PickleValue* found = nullptr;
  for (size_t i = 0; i + 1 < dictionary->items.size(); i += 2)
    if (dictionary->items[i]->kind == Kind::kString && dictionary->items[i]->bytes == key)
      found = dictionary->items[i + 1];
  return found;
}

const PickleValue& PickleValue::At(std::string_view key, Kind wanted) const {
  const PickleValue* found = Find(key);
  Check(found != nullptr, "a ", NameOf(kind), " ", kind == Kind::kObject ? bytes + " " : "", "has no '", key, "'");
  Check(found->kind == wanted, "'", key, "' is a ", NameOf(found->kind), ", not a ", NameOf(wanted));
  return *found;
}

namespace {

constexpr size_t kMostAxes = 64;  // NumPy's limit
// Bytes of copies for every byte of the file: real files need few.
constexpr int64_t kCopiesPerByte = 64, kCopiesPerStorageByte = 4, kFreeCopies = 65536;

}  // namespace

// The stack machine that a pickle is a program of.
class PickleMachine {
 public:
  PickleMachine(std::span<const std::byte> contents, const std::string& name, const StorageLoader& storages,
                std::deque<PickleValue>& values)
      : contents_(contents),
        name_(name),
        storages_(storages),
        values_(values),
        copies_left_(kCopiesPerByte * static_cast<int64_t>(contents.size()) + kFreeCopies) {}

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

  // The next bytes.
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

  // What a file may refer to again and again is copied in proportion to the file's size only.
  void CountCopy(uint64_t bytes) {
    if (bytes > static_cast<uint64_t>(copies_left_)) Refuse("it repeats itself beyond what its size justifies");
    copies_left_ -= static_cast<int64_t>(bytes);
  }
  std::string Copy(const std::string& bytes) {
    CountCopy(bytes.size());
    return bytes;
  }
  std::vector<PickleValue*> Copy(const std::vector<PickleValue*>& items) {
    CountCopy(items.size() * sizeof(PickleValue*));
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
  // Has f read text, and says where what it refuses is.
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
  PickleValue* TopContainer(Kind kind) {
    PickleValue* container = Top();
    if (container->kind != kind) Refuse("a ", NameOf(container->kind), " is no ", NameOf(kind));
    return container;
  }

  void Execute(uint8_t code);
  PickleValue* Call(const std::string& callable, const std::vector<PickleValue*>& arguments);
  void Build(PickleValue* object, PickleValue* state);
  PickleValue* LoadStorage(const PickleValue* id);
  PickleValue* RebuildTensor(const std::vector<PickleValue*>& arguments);
  PickleValue* RebuildArray(const std::vector<PickleValue*>& state);
  std::vector<int64_t> Sizes(const PickleValue* tuple, const char* what);
  const PickleValue* Argument(const std::vector<PickleValue*>& arguments, size_t i, Kind kind, const char* what) {
    if (i >= arguments.size()) Refuse(what, " is missing");
    if (arguments[i]->kind != kind) Refuse(what, " is a ", NameOf(arguments[i]->kind), ", not a ", NameOf(kind));
    return arguments[i];
  }

  std::span<const std::byte> contents_;
  const std::string& name_;
  const StorageLoader& storages_;
  std::deque<PickleValue>& values_;
  size_t at_ = 0, start_ = 0;
  std::vector<PickleValue*> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, PickleValue*> memo_;
  int64_t copies_left_;                  // bytes
  std::set<const void*> storages_seen_;  // by their elements
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
      return Push(MakeInt(ParseNumber<int64_t>(line)));
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
      if (line.find('\\') != std::string::npos) Refuse("a string with escapes, as Python 2 wrote them");
      return Push(Make(Kind::kString, line.substr(1, line.size() - 2)));
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
      const PickleValue* callable = PopKind(Kind::kGlobal, "what is called");
      return Push(Call(callable->bytes, arguments->items));
    }
    case 0x92:  // NEWOBJ_EX
      PopKind(Kind::kDict, "the keyword arguments of an object");
      [[fallthrough]];
    case 0x81: {  // NEWOBJ
      const PickleValue* arguments = PopKind(Kind::kTuple, "the arguments of an object");
      const PickleValue* type = PopKind(Kind::kGlobal, "the class of an object");
      PickleValue* object = Make(Kind::kObject, Copy(type->bytes));
      object->items = Copy(arguments->items);
      return Push(object);
    }
    case 'b': {
      PickleValue* state = Pop();
      return Build(Top(), state);
    }
    case 'Q': {
      const PickleValue* id = PopKind(Kind::kTuple, "a persistent id");
      return Push(LoadStorage(id));
    }
    default:
      Refuse("opcode ", int{code}, " is unknown or not allowed");
  }
}

PickleValue* PickleMachine::Call(const std::string& callable, const std::vector<PickleValue*>& arguments) {
  if (callable == "collections.OrderedDict" && arguments.empty()) return Make(Kind::kDict);
  if (callable == "torch._utils._rebuild_tensor_v2") return RebuildTensor(arguments);
  if (callable == "torch._utils._rebuild_parameter" && !arguments.empty()) return arguments[0];
  if (callable == "torch.storage._load_from_bytes") {
    const PickleValue* bytes = Argument(arguments, 0, Kind::kBytes, "the storage's file");
    const auto contents = std::as_bytes(std::span(bytes->bytes));
    CountCopy(contents.size());
    const TorchFile nested(contents, name_ + " (a storage within it)", /*nested=*/true);
    if (nested.root().kind != Kind::kStorage) Refuse("a storage's file holds a ", NameOf(nested.root().kind));
    PickleValue* storage = Make(Kind::kStorage);
    storage->tensor = nested.root().tensor;
    return storage;
  }
  if (callable == "numpy.core.multiarray._reconstruct" || callable == "numpy._core.multiarray._reconstruct")
    return Make(Kind::kObject, "numpy.ndarray");
  if (callable == "numpy.dtype") {
    PickleValue* type = Make(Kind::kObject, "numpy.dtype");
    type->items = {Make(Kind::kString, Copy(Argument(arguments, 0, Kind::kString, "a dtype's name")->bytes))};
    return type;
  }
  if (callable == "_codecs.encode") {
    // Protocol 2 writes bytes as text whose characters are the bytes.
    const std::string& text = Argument(arguments, 0, Kind::kString, "encoded text")->bytes;
    CountCopy(text.size());
    std::string bytes;
    for (size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<uint8_t>(text[i]);
      if (byte < 0x80) {
        bytes += text[i];
      } else if ((byte & 0xfc) == 0xc0 && i + 1 < text.size()) {
        bytes += static_cast<char>((byte & 3) << 6 | (static_cast<uint8_t>(text[++i]) & 0x3f));
      } else {
        Refuse("text that is not of single bytes");
      }
    }
    return Make(Kind::kBytes, std::move(bytes));
  }
  if (callable == "numpy.core.numeric._frombuffer" || callable == "numpy._core.numeric._frombuffer") {
    if (arguments.size() != 4) Refuse("an array of ", arguments.size(), " arguments");
    PickleValue* fortran = MakeInt(arguments[3]->bytes == "F", Kind::kBool);
    return RebuildArray({MakeInt(1), arguments[2], arguments[1], fortran, arguments[0]});
  }
  for (const char* set : {"builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset"})
    if (callable == set) {
      PickleValue* value = Make(Kind::kSet);
      if (!arguments.empty()) value->items = Copy(Argument(arguments, 0, Kind::kList, "a set's elements")->items);
      return value;
    }
  // Protocols 0 to 2 write b"" so.
  if ((callable == "__builtin__.bytes" || callable == "builtins.bytes") && arguments.empty()) return Make(Kind::kBytes);
  if (callable == "copy_reg._reconstructor" || callable == "copyreg._reconstructor")
    return Make(Kind::kObject, Copy(Argument(arguments, 0, Kind::kGlobal, "the class of an object")->bytes));
  Refuse("it would call ", callable, ", which this reader does not do");
}

void PickleMachine::Build(PickleValue* object, PickleValue* state) {
  if (object->kind == Kind::kDict || object->kind == Kind::kTensor) return;  // attributes of theirs say nothing
  if (object->kind != Kind::kObject) Refuse("a ", NameOf(object->kind), " has no attributes");
  if (object->bytes == "numpy.ndarray") {
    if (state->kind != Kind::kTuple) Refuse("the state of an array is a ", NameOf(state->kind));
    PickleValue* array = RebuildArray(state->items);
    object->kind = Kind::kTensor;
    object->tensor = array->tensor;
    return;
  }
  object->state = state;
}

PickleValue* PickleMachine::LoadStorage(const PickleValue* id) {
  static const std::map<std::string, DType> kTypes = {
      {"torch.FloatStorage", DType::kF32},     {"torch.DoubleStorage", DType::kF64},
      {"torch.BFloat16Storage", DType::kBF16}, {"torch.LongStorage", DType::kI64},
      {"torch.IntStorage", DType::kI32},       {"torch.ByteStorage", DType::kU8},
      {"torch.BoolStorage", DType::kU8}};
  if (!storages_) Refuse("it refers to a storage outside of it, and there is none");
  if (id->items.size() < 5 || id->items[0]->bytes != "storage") Refuse("a persistent id that is no storage's");
  const auto type = kTypes.find(Argument(id->items, 1, Kind::kGlobal, "a storage's type")->bytes);
  if (type == kTypes.end()) Refuse("storages of type ", id->items[1]->bytes, " are not supported");
  const int64_t count = Argument(id->items, 4, Kind::kInt, "a storage's size")->integer;
  if (count < 0) Refuse("a storage of ", count, " elements");
  PickleValue* storage = Make(Kind::kStorage);
  storage->tensor = storages_(Argument(id->items, 2, Kind::kString, "a storage's key")->bytes, type->second, count);
  if (count > 0 && storages_seen_.insert(storage->tensor.raw()).second)
    copies_left_ += kCopiesPerStorageByte * storage->tensor.bytes();
  return storage;
}

std::vector<int64_t> PickleMachine::Sizes(const PickleValue* tuple, const char* what) {
  if (tuple->items.size() > kMostAxes) Refuse(what, " of ", tuple->items.size(), " axes; at most ", kMostAxes);
  std::vector<int64_t> integers;
  for (const PickleValue* item : tuple->items) {
    if (item->kind != Kind::kInt || item->integer < 0) Refuse(what, " is none");
    integers.push_back(item->integer);
  }
  return integers;
}

PickleValue* PickleMachine::RebuildTensor(const std::vector<PickleValue*>& arguments) {
  const Tensor& storage = Argument(arguments, 0, Kind::kStorage, "a tensor's storage")->tensor;
  const int64_t offset = Argument(arguments, 1, Kind::kInt, "a tensor's offset")->integer;
  const std::vector<int64_t> shape = Sizes(Argument(arguments, 2, Kind::kTuple, "a tensor's shape"), "a shape");
  const std::vector<int64_t> strides = Sizes(Argument(arguments, 3, Kind::kTuple, "a tensor's strides"), "a stride");
  if (strides.size() != shape.size() || offset < 0) Refuse("a tensor whose shape and strides do not fit");
  const int64_t count = NumElements(shape);
  // The place of the last element, and whether elements follow each other.
  int64_t last = offset, expected = 1;
  bool contiguous = true;
  for (size_t axis = shape.size(); axis-- > 0;) {
    if (count == 0) break;
    int64_t reach;
    if (__builtin_mul_overflow(shape[axis] - 1, strides[axis], &reach) || __builtin_add_overflow(last, reach, &last))
      Refuse("a tensor beyond its storage");
    contiguous &= shape[axis] == 1 || strides[axis] == expected;
    expected *= shape[axis];
  }
  if (count > 0 && last >= storage.size())
    Refuse("a tensor of ", ToString(shape), " beyond its storage of ", storage.size(), " elements");
  PickleValue* value = Make(Kind::kTensor);
  if (count == 0) {
    value->tensor = Tensor::Empty(shape, storage.dtype());
    return value;
  }
  if (contiguous) {
    value->tensor = storage.Rows(offset, offset + count).Reshape(shape);
    return value;
  }
  const auto size = static_cast<int64_t>(SizeOf(storage.dtype()));
  if (count > storage.size())
    Refuse("a tensor of ", ToString(shape), " that repeats its storage of ", storage.size(), " elements");
  CountCopy(static_cast<uint64_t>(count * size));
  value->tensor = Tensor::Empty(shape, storage.dtype());
  const auto* from = static_cast<const std::byte*>(storage.raw());
  auto* to = static_cast<std::byte*>(value->tensor.raw());
  std::vector<int64_t> index(shape.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    int64_t place = offset;
    for (size_t axis = 0; axis < shape.size(); ++axis) place += index[axis] * strides[axis];
    std::memcpy(to + i * size, from + place * size, static_cast<size_t>(size));
    for (size_t axis = shape.size(); axis-- > 0 && ++index[axis] == shape[axis];) index[axis] = 0;
  }
  return value;
}

// From the state (version, shape, dtype, is_fortran, bytes).
PickleValue* PickleMachine::RebuildArray(const std::vector<PickleValue*>& state) {
  static const std::map<std::string, DType> kTypes = {{"f4", DType::kF32}, {"f8", DType::kF64}, {"i4", DType::kI32},
                                                      {"i8", DType::kI64}, {"u1", DType::kU8},  {"b1", DType::kU8}};
  const std::vector<int64_t> shape = Sizes(Argument(state, 1, Kind::kTuple, "an array's shape"), "a shape");
  const PickleValue* type = Argument(state, 2, Kind::kObject, "an array's dtype");
  if (type->bytes != "numpy.dtype" || type->items.empty()) Refuse("an array without a dtype");
  const auto dtype = kTypes.find(type->items[0]->bytes);
  if (dtype == kTypes.end()) Refuse("arrays of type ", type->items[0]->bytes, " are not supported");
  if (type->state && type->state->items.size() > 1 && type->state->items[1]->bytes == ">")
    Refuse("big-endian arrays are not supported");
  if (state.size() > 3 && state[3]->integer != 0 && shape.size() > 1)
    Refuse("arrays in Fortran order are not supported");
  const std::string& bytes = Argument(state, 4, Kind::kBytes, "an array's elements")->bytes;
  const int64_t count = NumElements(shape);
  if (static_cast<uint64_t>(count) != bytes.size() / SizeOf(dtype->second) || bytes.size() % SizeOf(dtype->second) != 0)
    Refuse("an array of ", ToString(shape), " in ", bytes.size(), " bytes");
  CountCopy(bytes.size());
  PickleValue* value = Make(Kind::kTensor);
  value->tensor = Tensor::Empty(shape, dtype->second);
  if (!bytes.empty()) std::memcpy(value->tensor.raw(), bytes.data(), bytes.size());
  return value;
}

Pickle::Pickle(std::span<const std::byte> contents, const std::string& name, const StorageLoader& storages) {
  PickleMachine machine(contents, name, storages, values_);
  root_ = machine.Run();
  bytes_read_ = machine.at();
}

Pickle::~Pickle() = default;
Pickle::Pickle(Pickle&&) noexcept = default;
Pickle& Pickle::operator=(Pickle&&) noexcept = default;

}  // namespace orbit
