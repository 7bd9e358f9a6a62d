#include "data/io/pickle_machine.h"

#include <algorithm>
#include <bit>
#include <initializer_list>

#include "data/io/pickle_text.h"

namespace orbit {

bool PickleMachine::ExecuteStack(uint8_t code) {
  switch (code) {
    case 0x80:  // PROTO
      if (const auto protocol = ReadNumber<uint8_t>(); protocol > 5) Refuse("protocol ", int{protocol}, " is unknown");
      break;
    case 0x95:  // FRAME
      ReadNumber<uint64_t>();
      break;
    case '(':
      marks_.push_back(stack_.size());
      break;
    case '0':
      if (stack_.size() == Bottom() && !marks_.empty())
        marks_.pop_back();
      else
        Pop();
      break;
    case '1':
      PopToMark();
      break;
    case '2':
      Push(Top());
      break;
    default:
      return false;
  }
  return true;
}

bool PickleMachine::PushNumber(uint8_t code) {
  switch (code) {
    case 'N':
      Push(Make(Kind::kNone));
      break;
    case 0x88:
    case 0x89:
      Push(MakeInt(code == 0x88, Kind::kBool));
      break;
    case 'I': {
      const std::string line = ReadLine();
      if (line == "00" || line == "01")
        Push(MakeInt(line == "01", Kind::kBool));
      else
        PushLong(ReadAs(ParseDecimal, line));
      break;
    }
    case 'J':
      Push(MakeInt(ReadNumber<int32_t>()));
      break;
    case 'K':
      Push(MakeInt(ReadNumber<uint8_t>()));
      break;
    case 'M':
      Push(MakeInt(ReadNumber<uint16_t>()));
      break;
    case 'L': {
      std::string line = ReadLine();
      if (line.ends_with('L')) line.pop_back();
      PushLong(ReadAs(ParseDecimal, line));
      break;
    }
    case 0x8a:
      PushLong(ReadText(ReadNumber<uint8_t>()));
      break;
    case 0x8b:
      PushLong(ReadText(ReadNumber<uint32_t>()));
      break;
    case 'F':
    case 'G': {
      PickleValue* value = Make(Kind::kFloat);
      value->number = code == 'F' ? ParseNumber<double>(ReadLine())
                                  : std::bit_cast<double>(__builtin_bswap64(ReadNumber<uint64_t>()));
      Push(value);
      break;
    }
    default:
      return false;
  }
  return true;
}

bool PickleMachine::PushText(uint8_t code) {
  switch (code) {
    case 'S': {
      const std::string line = ReadLine();
      if (line.size() < 2 || line.front() != line.back()) Refuse("a string without quotes");
      Push(Make(Kind::kString, ReadAs(DecodeStringEscape, line.substr(1, line.size() - 2))));
      break;
    }
    case 'V':
      Push(Make(Kind::kString, ReadAs(DecodeRawUnicodeEscape, ReadLine())));
      break;
    case 'X':
    case 'T':
      Push(Make(Kind::kString, ReadText(ReadNumber<uint32_t>())));
      break;
    case 'U':
    case 0x8c:
      Push(Make(Kind::kString, ReadText(ReadNumber<uint8_t>())));
      break;
    case 0x8d:
      Push(Make(Kind::kString, ReadText(ReadNumber<uint64_t>())));
      break;
    case 'B':
      Push(Make(Kind::kBytes, ReadText(ReadNumber<uint32_t>())));
      break;
    case 'C':
      Push(Make(Kind::kBytes, ReadText(ReadNumber<uint8_t>())));
      break;
    case 0x8e:
    case 0x96:
      Push(Make(Kind::kBytes, ReadText(ReadNumber<uint64_t>())));
      break;
    default:
      return false;
  }
  return true;
}

bool PickleMachine::ExecuteContainer(uint8_t code) {
  switch (code) {
    case ')':
      PushTuple(0);
      break;
    case 0x85:
    case 0x86:
    case 0x87:
      PushTuple(code - 0x84);
      break;
    case ']':
      Push(Make(Kind::kList));
      break;
    case '}':
      Push(Make(Kind::kDict));
      break;
    case 0x8f:
      Push(Make(Kind::kSet));
      break;
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
      Push(value);
      break;
    }
    case 'a': {
      PickleValue* item = Pop();
      Extend(TopContainer(Kind::kList), {item});
      break;
    }
    case 'e':
    case 0x90: {
      const std::vector<PickleValue*> items = PopToMark();
      Extend(TopContainer(code == 'e' ? Kind::kList : Kind::kSet), items);
      break;
    }
    case 's': {
      PickleValue* value = Pop();
      PickleValue* key = Pop();
      Extend(TopContainer(Kind::kDict), {key, value});
      break;
    }
    case 'u': {
      const std::vector<PickleValue*> items = PopToMark();
      Extend(TopContainer(Kind::kDict), items);
      break;
    }
    default:
      return false;
  }
  return true;
}

bool PickleMachine::ExecuteMemo(uint8_t code) {
  switch (code) {
    case 'p':
      Memoize(ParseNumber<uint64_t>(ReadLine()));
      break;
    case 'q':
      Memoize(ReadNumber<uint8_t>());
      break;
    case 'r':
      Memoize(ReadNumber<uint32_t>());
      break;
    case 0x94:
      Memoize(memo_.size());
      break;
    case 'g':
      Recall(ParseNumber<uint64_t>(ReadLine()));
      break;
    case 'h':
      Recall(ReadNumber<uint8_t>());
      break;
    case 'j':
      Recall(ReadNumber<uint32_t>());
      break;
    default:
      return false;
  }
  return true;
}

bool PickleMachine::PushGlobal(uint8_t code) {
  switch (code) {
    case 'c': {
      const std::string module = ReadLine();
      Push(Make(Kind::kGlobal, module + "." + ReadLine()));
      break;
    }
    case 0x93: {
      const PickleValue* what = PopKind(Kind::kString, "a global's name");
      const PickleValue* module = PopKind(Kind::kString, "a global's module");
      Push(Make(Kind::kGlobal, Copy(module->bytes) + "." + Copy(what->bytes)));
      break;
    }
    case 0x82:  // EXT1
    case 0x83:  // EXT2
    case 0x84:  // EXT4
      Push(Make(Kind::kGlobal, "the registered extension " + std::to_string(code == 0x82   ? ReadNumber<uint8_t>()
                                                                            : code == 0x83 ? ReadNumber<uint16_t>()
                                                                                           : ReadNumber<uint32_t>())));
      break;
    default:
      return false;
  }
  return true;
}

bool PickleMachine::ExecuteObject(uint8_t code) {
  switch (code) {
    case 'R': {
      const PickleValue* arguments = PopKind(Kind::kTuple, "the arguments of a call");
      Push(Call(Pop(), arguments));
      break;
    }
    case 0x92:  // NEWOBJ_EX; keyword arguments are dropped
      PopKind(Kind::kDict, "the keyword arguments of an object");
      [[fallthrough]];
    case 0x81: {  // NEWOBJ
      const PickleValue* arguments = PopKind(Kind::kTuple, "the arguments of an object");
      Push(MakeObject(Pop(), arguments));
      break;
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
      Push(MakeObject(type, arguments));
      break;
    }
    case 'b': {  // BUILD; attributes of plain values are ignored
      const PickleValue* state = Pop();
      if (PickleValue* object = Top(); object->kind == Kind::kObject) object->state = state;
      break;
    }
    case 'P':    // PERSID
    case 'Q': {  // BINPERSID
      const PickleValue* id = code == 'P' ? Make(Kind::kString, ReadLine()) : Pop();
      PickleValue* reference = Make(Kind::kReference);
      reference->arguments = id;
      Push(reference);
      break;
    }
    default:
      return false;
  }
  return true;
}

void PickleMachine::Execute(uint8_t code) {
  if (ExecuteStack(code) || PushNumber(code) || PushText(code) || ExecuteContainer(code) || ExecuteMemo(code) ||
      PushGlobal(code) || ExecuteObject(code))
    return;
  if (start_ == 0) Fail(name_, " is no pickle: none begins with the byte ", int{code});
  Refuse("opcode ", int{code}, " is unknown or not allowed");
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

}  // namespace orbit
