#include "data/io/npy.h"

#include <cstring>
#include <map>
#include <string_view>
#include <vector>

#include "engine/io/atomic_file.h"
#include "engine/io/mapped_file.h"

namespace orbit {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kAlignment = 64;
constexpr size_t kMostAxes = 32;

const std::map<std::string_view, DType> kTypes = {{"<f4", DType::kF32}, {"<f8", DType::kF64}, {"<i4", DType::kI32},
                                                  {"<i8", DType::kI64}, {"|u1", DType::kU8},  {"|b1", DType::kU8}};

// The header, a Python dictionary such as {'descr': '<f8', 'fortran_order': False, 'shape': (3, 5), }: just what NumPy
// writes, and no other Python.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  void Read() {
    Expect("{");
    while (!Accept("}")) {
      const std::string_view key = ReadString();
      Expect(":");
      if (key == "descr")
        type = ReadString();
      else if (key == "fortran_order")
        fortran_order = ReadBool();
      else if (key == "shape")
        ReadShape();
      else
        Refuse("the unknown key '" + std::string(key) + "'");
      if (!Accept(",")) {
        Expect("}");
        break;
      }
    }
    if (type.empty() || !has_shape_) Refuse("no descr or no shape");
  }

  std::string_view type;
  bool fortran_order = false;
  Shape shape;

 private:
  [[noreturn]] void Refuse(const std::string& what) const {
    Fail(name_, ": the header has ", what, ": ", text_.substr(0, 200));
  }
  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool Accept(std::string_view token) {
    SkipSpace();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  void Expect(std::string_view token) {
    if (!Accept(token)) Refuse("no '" + std::string(token) + "' at byte " + std::to_string(at_));
  }
  std::string_view ReadString() {
    Expect("'");
    const size_t end = text_.find('\'', at_);
    if (end == std::string_view::npos) Refuse("a string without end");
    const std::string_view result = text_.substr(at_, end - at_);
    at_ = end + 1;
    return result;
  }
  bool ReadBool() {
    if (Accept("True")) return true;
    Expect("False");
    return false;
  }
  void ReadShape() {
    has_shape_ = true;
    shape.clear();
    Expect("(");
    while (!Accept(")")) {
      SkipSpace();
      int64_t size = 0;
      const size_t begin = at_;
      for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
        if (size > (int64_t{1} << 58)) Refuse("an absurd size");
        size = 10 * size + (text_[at_] - '0');
      }
      if (at_ == begin) Refuse("a shape that is none");
      shape.push_back(size);
      if (shape.size() > kMostAxes) Refuse("too many axes");
      if (!Accept(",")) {
        Expect(")");
        break;
      }
    }
  }

  std::string_view text_;
  const std::string& name_;
  size_t at_ = 0;
  bool has_shape_ = false;
};

// From Fortran's order, the first axis fastest, to ours.
void Reorder(const std::byte* from, const Shape& shape, size_t size, std::byte* to) {
  const int64_t count = NumElements(shape);
  std::vector<int64_t> index(shape.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    int64_t place = 0;
    for (size_t axis = 0; axis < shape.size(); ++axis) place = place * shape[axis] + index[axis];
    std::memcpy(to + place * static_cast<int64_t>(size), from + i * static_cast<int64_t>(size), size);
    for (size_t axis = 0; axis < shape.size() && ++index[axis] == shape[axis]; ++axis) index[axis] = 0;
  }
}

}  // namespace

Tensor ParseNpy(std::span<const std::byte> contents, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(contents.data()), contents.size());
  Check(text.substr(0, kMagic.size()) == kMagic, name, " is no .npy file: it does not begin with \\x93NUMPY");
  Check(text.size() >= 10, name, ": truncated in the preamble");
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(text[i])); };
  const size_t version = byte(6);
  Check(version >= 1 && version <= 3, name, ": version ", version, " of the format is unknown");
  Check(version == 1 || text.size() >= 12, name, ": truncated in the preamble");
  const size_t begin = version == 1 ? 10 : 12;
  size_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  Check(length <= text.size() - begin, name, ": a header of ", length, " bytes in a file of ", text.size());
  HeaderReader header(text.substr(begin, length), name);
  header.Read();
  const auto type = kTypes.find(header.type);
  Check(type != kTypes.end(), name, ": elements of type '", header.type, "'; known: <f4, <f8, <i4, <i8, |u1, |b1");
  const size_t size = SizeOf(type->second), data = text.size() - begin - length;
  // Sizes are at most 2^62 each and the count is checked for overflow, before anything is allocated.
  int64_t count = 1;
  bool empty = false;
  for (const int64_t axis : header.shape) empty |= axis == 0;
  for (const int64_t axis : header.shape)
    Check(empty || !__builtin_mul_overflow(count, axis, &count), name, ": an absurd shape ", ToString(header.shape));
  if (empty) count = 0;
  Check(data / size == static_cast<size_t>(count) && data % size == 0, name, ": ", data, " bytes of elements, where ",
        ToString(header.shape), " of '", header.type, "' was announced");
  Tensor tensor = Tensor::Empty(header.shape, type->second);
  if (count == 0) return tensor;
  const std::byte* from = contents.data() + begin + length;
  if (header.fortran_order)
    Reorder(from, header.shape, size, static_cast<std::byte*>(tensor.raw()));
  else
    std::memcpy(tensor.raw(), from, data);
  return tensor;
}

Tensor ReadNpy(const std::string& path) {
  const io::MappedFile file(path);
  return ParseNpy(file.contents(), path);
}

void WriteNpy(const std::string& path, const Tensor& tensor) {
  const Tensor host = tensor.To(Device{});
  std::string_view type;
  for (const auto& [name, dtype] : kTypes)
    if (dtype == host.dtype() && name != "|b1") type = name;
  Check(!type.empty(), "NumPy has no type for ", tensor.Describe());
  std::string shape;
  for (const int64_t size : host.shape()) shape += std::to_string(size) + ",";
  std::string header = "{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  const size_t preamble = kMagic.size() + 4;
  header.append(kAlignment - (preamble + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  Check(header.size() < 65536, "too many axes for a .npy file: ", tensor.Describe());
  io::AtomicFile file(path);
  file.Write(kMagic);
  const uint8_t version_and_length[] = {1, 0, static_cast<uint8_t>(header.size() & 255),
                                        static_cast<uint8_t>(header.size() >> 8)};
  file.Write(version_and_length, sizeof(version_and_length));
  file.Write(header);
  file.Write(host.raw(), static_cast<size_t>(host.bytes()));
  file.Commit();
}

}  // namespace orbit
