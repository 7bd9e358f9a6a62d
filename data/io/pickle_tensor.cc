#include "data/io/pickle_tensor.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "data/io/numpy_type.h"
#include "data/io/pickle_file.h"

namespace orbit {
namespace {

using Kind = PickleValue::Kind;
using io::ElementType;

constexpr size_t kMostAxes = 64;  // NumPy's limit
constexpr int kMostWrapped = 8;

// A function's name and arguments, and the state that its result is given.
struct Call {
  std::string name;
  const PickleValue* arguments = nullptr;
  const PickleValue* state = nullptr;
};

// Returns argument i, which must have this kind.
const PickleValue& Argument(const PickleValue* arguments, size_t i, Kind kind, const char* what) {
  Check(arguments != nullptr && i < arguments->items.size(), what, " is missing");
  const PickleValue& argument = *arguments->items[i];
  Check(argument.kind == kind, what, " is a ", Describe(argument), ", not a ", NameOf(kind));
  return argument;
}

Shape Sizes(const PickleValue& tuple, const char* what) {
  Check(tuple.items.size() <= kMostAxes, what, " of ", tuple.items.size(), " axes; at most ", kMostAxes);
  Shape sizes;
  for (const PickleValue* item : tuple.items) {
    Check(item->kind == Kind::kInt && item->integer >= 0, what, " is none");
    sizes.push_back(item->integer);
  }
  return sizes;
}

// A shape is a tuple or a torch.Size that holds one.
const PickleValue& TupleArgument(const PickleValue* arguments, size_t i, const char* what) {
  if (arguments != nullptr && i < arguments->items.size() && arguments->items[i]->Is("torch.Size"))
    return Argument(arguments->items[i]->arguments, 0, Kind::kTuple, what);
  return Argument(arguments, i, Kind::kTuple, what);
}

bool IsNumpy(std::string_view name, std::string_view function) {
  for (const std::string_view package : {"numpy.core.", "numpy._core."})
    if (name.starts_with(package) && name.substr(package.size()) == function) return true;
  return false;
}

// The call that makes a value, after unwrapping parameters and subclasses of tensors.
Call MakingOf(const PickleValue& value) {
  const PickleValue* v = &value;
  for (int depth = 0; v->kind == Kind::kObject; ++depth) {
    Check(depth < kMostWrapped, "a tensor within more than ", kMostWrapped, " others");
    Call call{v->type->bytes, v->arguments, v->state};
    // (function, class, its arguments, state)
    if (call.name == "torch._tensor._rebuild_from_type_v2" || call.name == "torch._tensor._rebuild_from_type")
      call = {Argument(v->arguments, 0, Kind::kGlobal, "the function that rebuilds a tensor").bytes,
              &Argument(v->arguments, 2, Kind::kTuple, "its arguments")};
    if (call.name != "torch._utils._rebuild_parameter" && call.name != "torch._utils._rebuild_parameter_with_state" &&
        call.name != "torch._utils._rebuild_device_tensor_from_numpy" &&
        call.name != "torch._utils._rebuild_device_tensor_from_cpu_tensor")
      return call;
    Check(call.arguments != nullptr && !call.arguments->items.empty(), call.name, " without a tensor");
    v = call.arguments->items[0];
  }
  return {NameOf(v->kind)};
}

// A tensor's storage: a reference, or a file of torch.save within the pickle.
PickleStorage StorageOf(const PickleValue& value, const StorageFinder& find_storage, ByteBudget& budget) {
  if (value.kind == Kind::kReference) return find_storage(value);
  Check(value.Is("torch.storage._load_from_bytes"), "a tensor's storage is a ", Describe(value));
  const PickleValue& file = Argument(value.arguments, 0, Kind::kBytes, "a storage's file");
  budget.Take(file.bytes.size());
  auto nested = std::make_shared<PickleFile>(std::as_bytes(std::span(file.bytes)), "a storage within the pickle");
  Check(nested->root().kind == Kind::kReference, "a storage's file holds a ", Describe(nested->root()));
  PickleStorage storage = nested->FindStorage(nested->root());
  storage.owner = std::move(nested);
  return storage;
}

Tensor GatherWithin(const io::Elements& elements, int64_t offset, const Shape& shape, const Shape& strides,
                    ByteBudget& budget) {
  budget.Take(static_cast<uint64_t>(NumElements(shape)) * SizeOf(io::DTypeOf(elements.type)));
  return io::Gather(elements, offset, shape, strides);
}

// The element types of those torch dtypes that are plain numbers, for tensors whose storage consists of bytes.
ElementType TypeOf(const std::string& dtype) {
  static const std::map<std::string, ElementType> kTypes = {
      {"torch.float16", ElementType::kF16}, {"torch.bfloat16", ElementType::kBF16},
      {"torch.float32", ElementType::kF32}, {"torch.float64", ElementType::kF64},
      {"torch.bool", ElementType::kBool},   {"torch.uint8", ElementType::kU8},
      {"torch.int8", ElementType::kI8},     {"torch.int16", ElementType::kI16},
      {"torch.uint16", ElementType::kU16},  {"torch.int32", ElementType::kI32},
      {"torch.uint32", ElementType::kU32},  {"torch.int64", ElementType::kI64},
      {"torch.uint64", ElementType::kU64}};
  const auto type = kTypes.find(dtype);
  Check(type != kTypes.end(), "a tensor of ", dtype, ", which is not supported");
  return type->second;
}

// (storage, offset, shape, strides, and by version: requires_grad, hooks, [dtype,] metadata)
Tensor RebuildTensor(const Call& call, const StorageFinder& find_storage, ByteBudget& budget) {
  const bool typed = call.name.ends_with("_v3");
  Check(call.arguments != nullptr && !call.arguments->items.empty(), "a tensor without a storage");
  PickleStorage storage = StorageOf(*call.arguments->items[0], find_storage, budget);
  if (typed) storage.elements.type = TypeOf(Argument(call.arguments, 6, Kind::kGlobal, "a tensor's dtype").bytes);
  const int64_t offset = Argument(call.arguments, 1, Kind::kInt, "a tensor's offset").integer;
  const Shape shape = Sizes(TupleArgument(call.arguments, 2, "a tensor's shape"), "a shape");
  const Shape strides = Sizes(TupleArgument(call.arguments, 3, "a tensor's strides"), "a stride");
  const Tensor tensor = GatherWithin(storage.elements, offset, shape, strides, budget);
  const size_t at = typed ? 7 : 6;
  const PickleValue* metadata = call.arguments->items.size() > at ? call.arguments->items[at]->AsDict() : nullptr;
  if (metadata == nullptr) return tensor;
  bool negative = false;
  const std::vector<PickleValue*>& bits = metadata->items;
  for (size_t i = 0; i + 1 < bits.size(); i += 2) {
    if (bits[i + 1]->integer == 0) continue;
    Check(bits[i]->bytes == "neg" && IsFloating(tensor.dtype()), "a tensor with the bit '", bits[i]->bytes,
          "', which is not supported");
    negative = true;
  }
  if (!negative) return tensor;
  std::vector<double> values = tensor.ToVector<double>();
  for (double& value : values) value = -value;
  return Tensor::From(values, shape).To(tensor.dtype());
}

NumpyType NumpyTypeOf(const PickleValue& dtype) {
  Check(dtype.Is("numpy.dtype"), "an array's dtype is a ", Describe(dtype));
  const std::string& name = Argument(dtype.arguments, 0, Kind::kString, "a dtype's name").bytes;
  const std::optional<NumpyType> type = ParseNumpyType(name);
  Check(type.has_value(), "an array of type '", name, "'; numbers are known: ", kNumpyTypes);
  // The state is (version, byte order, ...).
  const bool big_endian =
      dtype.state != nullptr && dtype.state->items.size() > 1 && dtype.state->items[1]->bytes == ">";
  return {type->type, type->big_endian || big_endian};
}

Tensor MakeArray(const Shape& shape, const PickleValue& dtype, bool fortran, const PickleValue& bytes,
                 ByteBudget& budget) {
  const NumpyType type = NumpyTypeOf(dtype);
  // Python 2 writes bytes as strings.
  Check(bytes.kind == Kind::kBytes || bytes.kind == Kind::kString, "an array's elements are a ", Describe(bytes));
  const auto count = static_cast<uint64_t>(NumElements(shape));
  const size_t size = io::SizeOf(type.type);
  Check(count == bytes.bytes.size() / size && bytes.bytes.size() % size == 0, "an array of ", ToString(shape), " in ",
        bytes.bytes.size(), " bytes");
  return GatherWithin({std::as_bytes(std::span(bytes.bytes)), type.type, type.big_endian}, 0, shape,
                      fortran ? io::ColumnMajorStrides(shape) : io::RowMajorStrides(shape), budget);
}

const PickleValue& Any(const PickleValue* tuple, size_t i, const char* what) {
  Check(tuple != nullptr && i < tuple->items.size(), what, " is missing");
  return *tuple->items[i];
}

}  // namespace

std::optional<StorageClass> FindStorageClass(const std::string& name) {
  static const std::map<std::string, StorageClass, std::less<>> kClasses = {
      {"HalfStorage", {2, ElementType::kF16}},
      {"BFloat16Storage", {2, ElementType::kBF16}},
      {"FloatStorage", {4, ElementType::kF32}},
      {"DoubleStorage", {8, ElementType::kF64}},
      {"BoolStorage", {1, ElementType::kBool}},
      {"ByteStorage", {1, ElementType::kU8}},
      {"CharStorage", {1, ElementType::kI8}},
      {"ShortStorage", {2, ElementType::kI16}},
      {"IntStorage", {4, ElementType::kI32}},
      {"LongStorage", {8, ElementType::kI64}},
      {"UntypedStorage", {1, ElementType::kU8}},
      {"ComplexFloatStorage", {8, {}}},
      {"ComplexDoubleStorage", {16, {}}},
      {"QInt8Storage", {1, {}}},
      {"QUInt8Storage", {1, {}}},
      {"QInt32Storage", {4, {}}},
      {"QUInt4x2Storage", {1, {}}},
      {"QUInt2x4Storage", {1, {}}},
  };
  std::string_view rest = name;
  for (const std::string_view prefix : {"torch.", "cuda.", "storage."})
    if (rest.starts_with(prefix)) rest.remove_prefix(prefix.size());
  const auto found = kClasses.find(rest);
  return found == kClasses.end() ? std::nullopt : std::optional(found->second);
}

bool IsTensor(const PickleValue& value) {
  if (value.kind != Kind::kObject) return false;
  const std::string_view name = value.type->bytes;
  return name.starts_with("torch._utils._rebuild_") || name.starts_with("torch._tensor._rebuild_") ||
         IsNumpy(name, "multiarray._reconstruct") || IsNumpy(name, "numeric._frombuffer") ||
         IsNumpy(name, "multiarray.scalar");
}

Tensor MakeTensor(const PickleValue& value, const StorageFinder& find_storage, ByteBudget& budget) {
  const Call call = MakingOf(value);
  if (call.name == "torch._utils._rebuild_tensor" || call.name == "torch._utils._rebuild_tensor_v2" ||
      call.name == "torch._utils._rebuild_tensor_v3")
    return RebuildTensor(call, find_storage, budget);
  const PickleValue* given = call.arguments;
  if (IsNumpy(call.name, "multiarray._reconstruct")) {
    // The state is (version, shape, dtype, is_fortran, elements).
    const PickleValue* state = call.state;
    Check(state != nullptr && state->kind == Kind::kTuple, "an array without a state");
    return MakeArray(Sizes(Argument(state, 1, Kind::kTuple, "an array's shape"), "a shape"),
                     Any(state, 2, "an array's dtype"), Any(state, 3, "an array's order").integer != 0,
                     Any(state, 4, "an array's elements"), budget);
  }
  if (IsNumpy(call.name, "numeric._frombuffer"))
    return MakeArray(Sizes(Argument(given, 2, Kind::kTuple, "an array's shape"), "a shape"),
                     Any(given, 1, "an array's dtype"), Any(given, 3, "an array's order").bytes == "F",
                     Any(given, 0, "an array's elements"), budget);
  if (IsNumpy(call.name, "multiarray.scalar"))
    return MakeArray({}, Any(given, 0, "a number's dtype"), false, Any(given, 1, "a number's bytes"), budget);
  Fail("a ", call.name, IsTensor(value) ? ", which is not supported" : ", not a tensor");
}

}  // namespace orbit
