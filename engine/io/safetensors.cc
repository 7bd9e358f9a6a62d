#include "engine/io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/io/atomic_file.h"
#include "engine/io/elements.h"
#include "engine/io/mapped_file.h"
#include "engine/io/recognize.h"

namespace orbit::io {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "safetensors files are little endian");

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kLongestHeader = 100'000'000;  // the format's limit
constexpr const char* kMetadata = "__metadata__";

constexpr std::pair<const char*, ElementType> kTypes[] = {
    {"F16", ElementType::kF16}, {"BF16", ElementType::kBF16}, {"F32", ElementType::kF32}, {"F64", ElementType::kF64},
    {"U8", ElementType::kU8},   {"BOOL", ElementType::kBool}, {"I8", ElementType::kI8},   {"I16", ElementType::kI16},
    {"U16", ElementType::kU16}, {"I32", ElementType::kI32},   {"U32", ElementType::kU32}, {"I64", ElementType::kI64},
    {"U64", ElementType::kU64},
};

struct Range {
  std::string name;
  ElementType type;
  Shape shape;
  uint64_t begin, end;  // of the elements, counted from the end of the header
};

// Parses one file. Keeps its name and contents for messages.
class Parser {
 public:
  Parser(std::span<const std::byte> contents, const std::string& name) : contents_(contents), name_(name) {}

  SafetensorsView Parse() {
    SafetensorsView view;
    const json header = ParseHeader();
    if (header.contains(kMetadata) && !header[kMetadata].is_null()) view.metadata = ParseMetadata(header[kMetadata]);
    std::vector<Range> ranges;
    for (const auto& [name, description] : header.items())
      if (name != kMetadata) ranges.push_back(ParseRange(name, description));
    for (const Range& range : ranges)
      view.tensors.push_back(
          {range.name,
           range.shape,
           {.bytes = contents_.subspan(data_start_ + range.begin, range.end - range.begin), .type = range.type}});
    CheckOffsets(ranges);
    return view;
  }

 private:
  template <class... Args>
  void Require(bool condition, const Args&... args) const {
    Check(condition, name_, ": not a valid safetensors file: ", args...);
  }

  json ParseHeader() {
    // A header begins with {. If this one does not, the file may be something else altogether.
    if (contents_.size() <= kLengthBytes || contents_[kLengthBytes] != std::byte{'{'})
      CheckNotForeign(contents_, name_);
    Require(contents_.size() >= kLengthBytes, "it ends at byte ", contents_.size(), ", within the header's length");
    uint64_t length;
    std::memcpy(&length, contents_.data(), kLengthBytes);
    Require(length <= kLongestHeader, "at byte 0, a header of ", length, " bytes (at most ", kLongestHeader, ")");
    Require(length <= contents_.size() - kLengthBytes, "at byte 0, a header of ", length, " bytes in a file of ",
            contents_.size());
    data_start_ = kLengthBytes + length;

    const char* begin = reinterpret_cast<const char*>(contents_.data()) + kLengthBytes;
    std::set<std::string> keys[3];  // keys of the open objects, by depth
    const auto check_depth_and_keys = [&](int depth, json::parse_event_t event, json& value) {
      Require(depth < 3 || event == json::parse_event_t::value, "the header is nested too deeply");
      if (event == json::parse_event_t::object_start)
        keys[depth].clear();
      else if (event == json::parse_event_t::key)
        Require(keys[depth - 1].insert(value).second, "the header names '", value.get<std::string>(), "' twice");
      return true;
    };
    json header;
    try {
      header = json::parse(begin, begin + length, check_depth_and_keys);
    } catch (const json::parse_error& error) {
      Require(false, "near byte ", kLengthBytes + error.byte - 1, ", ", error.what());
    } catch (const json::exception& error) {
      Require(false, "the header: ", error.what());
    }
    Require(header.is_object(), "at byte ", kLengthBytes, ", the header is no object");
    return header;
  }

  std::map<std::string, std::string> ParseMetadata(const json& metadata) const {
    Require(metadata.is_object(), kMetadata, " is no object");
    std::map<std::string, std::string> strings;
    for (const auto& [key, value] : metadata.items()) {
      Require(value.is_string(), kMetadata, ": the value of '", key, "' is no string");
      strings.emplace(key, value);
    }
    return strings;
  }

  std::vector<int64_t> ParseSizes(const std::string& tensor, const json& description, const char* key) const {
    const auto list = description.find(key);
    Require(list != description.end() && list->is_array(), "tensor '", tensor, "' has no list '", key, "'");
    std::vector<int64_t> sizes;
    for (const json& size : *list) {
      Require(size.is_number_unsigned() && size <= static_cast<uint64_t>(INT64_MAX), "tensor '", tensor, "': ", key,
              " holds ", size.dump());
      sizes.push_back(size);
    }
    return sizes;
  }

  Range ParseRange(const std::string& name, const json& description) const {
    Require(description.is_object(), "tensor '", name, "' is not described by an object");
    const std::string dtype_name = description.contains("dtype") && description["dtype"].is_string()
                                       ? description["dtype"].get<std::string>()
                                       : "";
    const auto type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                   [&](const auto& known) { return known.first == dtype_name; });
    Require(type != std::end(kTypes), "tensor '", name, "' has the unknown dtype '", dtype_name, "'");
    const Shape shape = ParseSizes(name, description, "shape");
    const std::vector<int64_t> offsets = ParseSizes(name, description, "data_offsets");
    Require(offsets.size() == 2 && offsets[0] <= offsets[1], "tensor '", name, "' has data_offsets ",
            ToString(offsets));
    const uint64_t begin = offsets[0], end = offsets[1], available = contents_.size() - data_start_;
    Require(end <= available, "tensor '", name, "' ends at byte ", data_start_ + end, " of a file of ",
            contents_.size());
    int64_t bytes = static_cast<int64_t>(SizeOf(type->second));
    for (int64_t size : shape)
      Require(!__builtin_mul_overflow(bytes, size, &bytes), "tensor '", name, "' has the shape ", ToString(shape));
    Require(end - begin == static_cast<uint64_t>(bytes), "tensor '", name, "' of shape ", ToString(shape), " has ",
            end - begin, " bytes from byte ", data_start_ + begin, ", not ", bytes);
    return {name, type->second, shape, begin, end};
  }

  // Sorts the ranges by offset and checks that they follow each other to the end of the file.
  void CheckOffsets(std::vector<Range>& ranges) const {
    std::sort(ranges.begin(), ranges.end(),
              [](const Range& a, const Range& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    uint64_t position = 0;
    for (const Range& range : ranges) {
      Require(range.begin == position, "tensor '", range.name, "' starts at byte ", data_start_ + range.begin,
              ", but the one before ends at byte ", data_start_ + position);
      position = range.end;
    }
    Require(data_start_ + position == contents_.size(), "the last tensor ends at byte ", data_start_ + position,
            " of a file of ", contents_.size());
  }

  std::span<const std::byte> contents_;
  const std::string& name_;
  uint64_t data_start_ = 0;
};

const char* FormatNameOf(DType dtype) {
  return std::find_if(
             std::begin(kTypes), std::end(kTypes),
             [&](const auto& known) { return DTypeOf(known.second) == dtype && SizeOf(known.second) == SizeOf(dtype); })
      ->first;
}

// Tensors with the widest elements come first, so that every tensor's offset is a multiple of its element size.
std::vector<std::pair<std::string, Tensor>> FileOrder(const TensorMap& tensors) {
  std::vector<std::pair<std::string, Tensor>> order(tensors.begin(), tensors.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return SizeOf(a.second.dtype()) > SizeOf(b.second.dtype()); });
  return order;
}

}  // namespace

Safetensors ParseSafetensors(std::span<const std::byte> contents, const std::string& name) {
  SafetensorsView view = ViewSafetensors(contents, name);
  Safetensors result{.metadata = std::move(view.metadata)};
  for (const auto& [tensor, shape, elements] : view.tensors) {
    try {
      result.tensors.emplace(tensor, Gather(elements, 0, shape, RowMajorStrides(shape)));
    } catch (const Error& error) {
      Fail(name, ": tensor '", tensor, "': ", error.what());
    }
  }
  return result;
}

SafetensorsView ViewSafetensors(std::span<const std::byte> contents, const std::string& name) {
  return Parser(contents, name).Parse();
}

bool IsSafetensors(std::span<const std::byte> contents, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(contents.data()), contents.size());
  // A length below 2^32, then JSON, possibly after a byte order mark.
  if (text.size() > kLengthBytes && text.substr(4, 4) == std::string_view("\0\0\0\0", 4))
    return text[kLengthBytes] == '{' || text.substr(kLengthBytes, 3) == "\xef\xbb\xbf";
  const bool pickled = text.starts_with("PK\3\4") || (text.starts_with("\x80") && text.size() > 1 && text[1] <= 5);
  return !pickled && name.ends_with(".safetensors");
}

Safetensors ReadSafetensors(const std::string& path) {
  const MappedFile file(path);
  return ParseSafetensors(file.contents(), path);
}

void WriteSafetensors(const std::string& path, const Safetensors& contents) {
  const auto tensors = FileOrder(contents.tensors);
  json header = json::object();
  if (!contents.metadata.empty()) header[kMetadata] = contents.metadata;
  int64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    Check(tensor.defined() && name != kMetadata, "cannot write ", path, ": tensor '", name, "' is ", tensor.Describe());
    header[name] = {{"dtype", FormatNameOf(tensor.dtype())},
                    {"shape", tensor.shape()},
                    {"data_offsets", {offset, offset + tensor.bytes()}}};
    offset += tensor.bytes();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::type_error& error) {
    Fail("cannot write ", path, ": a name or a string of the metadata is not UTF-8: ", error.what());
  }
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  Check(text.size() <= kLongestHeader, "cannot write ", path, ": its header would have ", text.size(), " bytes");

  AtomicFile file(path);
  const uint64_t length = text.size();
  file.Write(&length, kLengthBytes);
  file.Write(text);
  for (const auto& [name, tensor] : tensors) {
    const Tensor host = tensor.To(Device{});
    file.Write(host.raw(), host.bytes());
  }
  file.Commit();
}

}  // namespace orbit::io
