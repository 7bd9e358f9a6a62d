// Files as Python programs write them, assembled by hand: pickles opcode by opcode, and PyTorch's archives.
#ifndef ORBIT_TESTS_DATA_IO_PYTHON_FILES_H_
#define ORBIT_TESTS_DATA_IO_PYTHON_FILES_H_

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace orbit::python {

// A Value is the opcodes that leave one value on the stack.
using Value = std::string;

template <class T>
std::string Raw(T number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}
template <class T>
std::string RawList(const std::vector<T>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)};
}
inline std::string Joined(const std::vector<Value>& values) {
  std::string joined;
  for (const Value& value : values) joined += value;
  return joined;
}

inline const Value kNone = "N", kTrue = "\x88", kFalse = "\x89", kOrderedDict = "ccollections\nOrderedDict\n)R";
inline Value Int(int32_t number) { return "J" + Raw(number); }
inline Value Str(const std::string& text) { return "X" + Raw(static_cast<uint32_t>(text.size())) + text; }
inline Value Bytes(const std::string& bytes) { return "B" + Raw(static_cast<uint32_t>(bytes.size())) + bytes; }
inline Value Tuple(const std::vector<Value>& values) { return "(" + Joined(values) + "t"; }
inline Value List(const std::vector<Value>& values) { return "(" + Joined(values) + "l"; }
inline std::string Pairs(const std::vector<std::pair<std::string, Value>>& items) {
  std::string pairs;
  for (const auto& [key, value] : items) pairs += Str(key) + value;
  return "(" + pairs;
}
inline Value Dict(const std::vector<std::pair<std::string, Value>>& items) { return Pairs(items) + "d"; }
// "module.name"
inline Value Global(const std::string& name) {
  const size_t dot = name.rfind('.');
  return "c" + name.substr(0, dot) + "\n" + name.substr(dot + 1) + "\n";
}
inline Value Call(const std::string& name, const std::vector<Value>& arguments) {
  return Global(name) + Tuple(arguments) + "R";
}
inline Value Object(const std::string& type, const Value& state) { return Global(type) + ")\x81" + state + "b"; }
// An object of a subclass of dict.
inline Value DictOf(const std::string& type, const std::vector<std::pair<std::string, Value>>& items) {
  return Global(type) + ")\x81" + Pairs(items) + "u";
}

inline std::vector<Value> Ints(const std::vector<int32_t>& numbers) {
  std::vector<Value> values;
  for (const int32_t number : numbers) values.push_back(Int(number));
  return values;
}
// A tensor of `count` elements in the storage `key` of class torch.TYPEStorage.
inline Value TensorOf(const std::string& type, const std::string& key, int32_t count, const std::vector<int32_t>& shape,
                      const std::vector<int32_t>& strides, const std::vector<Value>& metadata = {}) {
  const Value storage =
      Tuple({Str("storage"), Global("torch." + type + "Storage"), Str(key), Str("cpu"), Int(count)}) + "Q";
  std::vector<Value> arguments = {storage, Int(0), Tuple(Ints(shape)), Tuple(Ints(strides)), kFalse, kOrderedDict};
  arguments.insert(arguments.end(), metadata.begin(), metadata.end());
  return Call("torch._utils._rebuild_tensor_v2", arguments);
}
inline Value Vector(const std::string& type, const std::string& key, int32_t count) {
  return TensorOf(type, key, count, {count}, {1});
}

inline Value Dtype(const std::string& type, const std::string& order = "<") {
  return Call("numpy.dtype", {Str(type), kFalse, kTrue}) +
         Tuple({Int(3), Str(order), kNone, kNone, kNone, Int(-1), Int(-1), Int(0)}) + "b";
}
// A NumPy array with its elements as bytes.
inline Value Array(const std::vector<int32_t>& shape, const Value& dtype, bool fortran, const std::string& bytes) {
  return Call("numpy.core.multiarray._reconstruct", {Global("numpy.ndarray"), Tuple({Int(0)}), Bytes("b")}) +
         Tuple({Int(1), Tuple(Ints(shape)), dtype, fortran ? kTrue : kFalse, Bytes(bytes)}) + "b";
}

inline std::string PickleOf(const Value& value) { return "\x80\x02" + value + "."; }

// A zip archive with stored or deflated entries.
inline std::string Zip(const std::map<std::string, std::string>& entries, bool deflated = false) {
  std::string archive, directory;
  for (const auto& [name, bytes] : entries) {
    std::string packed = bytes;
    if (deflated) {
      packed.resize(compressBound(bytes.size()));
      z_stream stream{};
      deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      stream.avail_in = static_cast<uInt>(bytes.size());
      stream.next_out = reinterpret_cast<Bytef*>(packed.data());
      stream.avail_out = static_cast<uInt>(packed.size());
      deflate(&stream, Z_FINISH);
      packed.resize(stream.total_out);
      deflateEnd(&stream);
    }
    const auto checksum = static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
    const std::string common = Raw(uint16_t{20}) + Raw(uint16_t{0}) + Raw(static_cast<uint16_t>(deflated ? 8 : 0)) +
                               Raw(uint32_t{0}) + Raw(checksum) + Raw(static_cast<uint32_t>(packed.size())) +
                               Raw(static_cast<uint32_t>(bytes.size())) + Raw(static_cast<uint16_t>(name.size())) +
                               Raw(uint16_t{0});
    directory += "PK\x01\x02" + Raw(uint16_t{20}) + common + std::string(10, '\0') +
                 Raw(static_cast<uint32_t>(archive.size())) + name;
    archive += "PK\x03\x04" + common + name + packed;
  }
  const auto begin = static_cast<uint32_t>(archive.size()), count = static_cast<uint32_t>(entries.size());
  return archive + directory + "PK\x05\x06" + Raw(uint32_t{0}) + Raw(static_cast<uint16_t>(count)) +
         Raw(static_cast<uint16_t>(count)) + Raw(static_cast<uint32_t>(directory.size())) + Raw(begin) +
         Raw(uint16_t{0});
}

// The file that torch.save writes for a value, with the bytes of storages by key.
inline std::string TorchFile(const Value& value, const std::map<std::string, std::string>& storages,
                             const std::string& byte_order = "little", bool deflated = false) {
  std::map<std::string, std::string> entries = {
      {"file/data.pkl", PickleOf(value)}, {"file/byteorder", byte_order}, {"file/version", "3\n"}};
  for (const auto& [key, bytes] : storages) entries["file/data/" + key] = bytes;
  return Zip(entries, deflated);
}

// The file that torch.save wrote before PyTorch 1.6, with the elements' bytes by storage.
inline std::string LegacyTorchFile(const Value& value, const std::map<std::string, std::string>& storages,
                                   int element_bytes, bool little_endian = true) {
  std::string magic = "\x8a\x0a";
  magic += "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  std::string file =
      PickleOf(magic) + PickleOf(Int(1001)) +
      PickleOf(Dict({{"protocol_version", Int(1001)}, {"little_endian", little_endian ? kTrue : kFalse}})) +
      PickleOf(value);
  std::vector<Value> keys;
  for (const auto& [key, bytes] : storages) keys.push_back(Str(key));
  file += PickleOf(List(keys));
  for (const auto& [key, bytes] : storages)
    file += Raw(static_cast<int64_t>(bytes.size() / static_cast<size_t>(element_bytes))) + bytes;
  return file;
}

}  // namespace orbit::python

#endif  // ORBIT_TESTS_DATA_IO_PYTHON_FILES_H_
