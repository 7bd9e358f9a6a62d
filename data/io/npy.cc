#include "data/io/npy.h"

#include <string_view>
#include <vector>

#include "data/io/numpy_type.h"
#include "engine/io/atomic_file.h"
#include "engine/io/mapped_file.h"
#include "engine/io/recognize.h"

namespace orbit {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kAlignment = 64;
constexpr size_t kMostAxes = 64;  // NumPy's limit

// Parses the header, a Python dictionary such as {'descr': '<f8', 'fortran_order': False, 'shape': (3, 5), }: only what
// NumPy writes, not Python in general.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  void Read() {
    Expect("{");
    while (!Accept("}")) {
      const std::string_view key = ReadString();
      Expect(":");
      if (key == "descr")
        type = ReadType();
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
  // Record types are lists of fields, which are kept as text for the message.
  std::string_view ReadType() {
    SkipSpace();
    if (text_.substr(at_, 1) != "[") return ReadString();
    Fail(name_, ": a structured type, of records: ", text_.substr(at_, 200),
         "; save its fields as arrays of their own");
  }
  std::string_view ReadString() {
    const char* quote = Accept("\"") ? "\"" : "'";
    if (*quote == '\'') Expect(quote);
    const size_t end = text_.find(*quote, at_);
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
      Accept("L");  // long integers of Python 2
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

}  // namespace

Tensor ParseNpy(std::span<const std::byte> contents, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(contents.data()), contents.size());
  if (!text.starts_with(kMagic)) io::CheckNotForeign(contents, name);
  Check(text.starts_with(kMagic), name, " is no .npy file: it does not begin with \\x93NUMPY");
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
  const std::optional<NumpyType> type = ParseNumpyType(header.type);
  Check(type.has_value(), name, ": elements of type '", header.type, "'; numbers are known: ", kNumpyTypes);
  const auto data = contents.subspan(begin + length);
  const size_t size = io::SizeOf(type->type);
  // Every size is at most 2^62, and the count is checked for overflow, before anything is allocated.
  int64_t count = 1;
  bool empty = false;
  for (const int64_t axis : header.shape) empty |= axis == 0;
  for (const int64_t axis : header.shape)
    Check(empty || !__builtin_mul_overflow(count, axis, &count), name, ": an absurd shape ", ToString(header.shape));
  if (empty) count = 0;
  Check(data.size() / size == static_cast<size_t>(count) && data.size() % size == 0, name, ": ", data.size(),
        " bytes of elements, where ", ToString(header.shape), " of '", header.type, "' was announced");
  return io::Gather({data, type->type, type->big_endian}, 0, header.shape,
                    header.fortran_order ? io::ColumnMajorStrides(header.shape) : io::RowMajorStrides(header.shape));
}

Tensor ReadNpy(const std::string& path) {
  const io::MappedFile file(path);
  return ParseNpy(file.contents(), path);
}

void WriteNpy(const std::string& path, const Tensor& tensor) {
  const Tensor host = tensor.To(Device{});
  constexpr const char* kNames[] = {"<f4", "", "<f8", "<i4", "<i8", "|u1"};  // indexed by DType
  const std::string type = kNames[static_cast<size_t>(host.dtype())];
  Check(!type.empty(), "NumPy has no type for ", tensor.Describe());
  std::string shape;
  for (const int64_t size : host.shape()) shape += std::to_string(size) + ",";
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
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
