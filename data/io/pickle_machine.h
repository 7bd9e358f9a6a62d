// The stack machine that executes a pickle's opcodes; part of pickle.h.
#ifndef ORBIT_DATA_IO_PICKLE_MACHINE_H_
#define ORBIT_DATA_IO_PICKLE_MACHINE_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/io/byte_budget.h"
#include "data/io/pickle.h"
#include "kernels/error.h"

namespace orbit {

// Runs once, to the opcode that ends the pickle, and puts the values that it makes into `values`. Throws Error, with
// the place, for what is no pickle, is damaged or would run code.
class PickleMachine {
 public:
  using Kind = PickleValue::Kind;

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

  // Each of these executes the opcode if it is one of its group, and returns whether it is.
  bool ExecuteStack(uint8_t code);
  bool PushNumber(uint8_t code);  // or none, or a truth value
  bool PushText(uint8_t code);
  bool ExecuteContainer(uint8_t code);
  bool ExecuteMemo(uint8_t code);
  bool PushGlobal(uint8_t code);
  bool ExecuteObject(uint8_t code);
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

}  // namespace orbit

#endif  // ORBIT_DATA_IO_PICKLE_MACHINE_H_
