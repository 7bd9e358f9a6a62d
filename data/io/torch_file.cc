#include "data/io/torch_file.h"

#include <cstring>
#include <map>
#include <string_view>
#include <vector>

#include "data/io/zip.h"
#include "engine/io/mapped_file.h"

namespace orbit {
namespace {

using Kind = PickleValue::Kind;

// 0x1950a86a20f9469cfc6c, little endian.
constexpr std::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
constexpr int kMostNested = 1;
thread_local int depth = 0;  // of files within files

struct Depth {
  Depth() { ++depth; }
  ~Depth() { --depth; }
};

}  // namespace

TorchFile::TorchFile(std::span<const std::byte> contents, const std::string& name, bool nested) {
  const Depth inside;
  Check(!nested || depth <= kMostNested + 1, name, ": files nested in nested files");
  if (contents.size() >= 4 && std::memcmp(contents.data(), "PK\3\4", 4) == 0)
    ReadArchive(contents, name);
  else
    ReadLegacy(contents, name);
}

void TorchFile::ReadArchive(std::span<const std::byte> contents, const std::string& name) {
  const std::map<std::string, std::span<const std::byte>> entries = ReadZip(contents, name);
  std::string root;
  for (const auto& [entry, bytes] : entries)
    if (entry == "data.pkl" || entry.ends_with("/data.pkl")) root = entry.substr(0, entry.size() - 8);
  const auto pickle = entries.find(root + "data.pkl");
  Check(pickle != entries.end(), name, ": the archive has no data.pkl: torch.save did not write it");
  std::map<std::string, Tensor> loaded;
  size_t total = 0;  // entries may overlap in a file that lies
  pickle_.emplace(pickle->second, name, [&](const std::string& key, DType dtype, int64_t count) {
    Tensor& tensor = loaded[key];
    if (tensor.defined()) {
      Check(tensor.dtype() == dtype && tensor.size() == count, name, ": storage ", key, " is described in two ways");
      return tensor;
    }
    const auto entry = entries.find(root + "data/" + key);
    Check(entry != entries.end(), name, ": the archive has no storage ", key);
    const std::span<const std::byte> bytes = entry->second;
    Check(bytes.size() / SizeOf(dtype) == static_cast<uint64_t>(count) && bytes.size() % SizeOf(dtype) == 0, name,
          ": storage ", key, " has ", bytes.size(), " bytes, not ", count, " elements of ", NameOf(dtype));
    total += bytes.size();
    Check(total <= contents.size(), name, ": storages of more bytes than the file has");
    tensor = Tensor::Empty({count}, dtype);
    if (!bytes.empty()) std::memcpy(tensor.raw(), bytes.data(), bytes.size());
    return tensor;
  });
}

void TorchFile::ReadLegacy(std::span<const std::byte> contents, const std::string& name) {
  size_t at = 0;
  const auto next = [&] {
    Pickle pickle(contents.subspan(at), name);
    at += pickle.bytes_read();
    return pickle;
  };
  const Pickle magic = next();
  Check(magic.root().kind == Kind::kBigInt && magic.root().bytes == kMagic, name, " is no file of torch.save");
  const Pickle protocol = next();
  Check(protocol.root().integer == 1001, name, ": protocol ", protocol.root().integer, " of torch.save is unknown");
  next();  // about the machine it was written on
  // Storages come after the pickle that describes them: it is read once to learn of them, and again once they are
  // there.
  std::map<std::string, Tensor> storages;
  int64_t total = 0;
  const StorageLoader load = [&](const std::string& key, DType dtype, int64_t count) {
    Tensor& tensor = storages[key];
    if (tensor.defined()) {
      Check(tensor.dtype() == dtype && tensor.size() == count, name, ": storage ", key, " is described in two ways");
      return tensor;
    }
    const auto size = static_cast<int64_t>(SizeOf(dtype)), most = static_cast<int64_t>(contents.size());
    Check(count <= (most - total) / size, name, ": storages of more bytes than the file has");
    total += count * size;
    tensor = Tensor::Zeros({count}, dtype);
    return tensor;
  };
  const size_t begin = at;
  at += Pickle(contents.subspan(at), name, load).bytes_read();
  const Pickle keys = next();
  Check(keys.root().kind == Kind::kList, name, ": no list of storages");
  for (const PickleValue* key : keys.root().items) {
    const auto found = storages.find(key->bytes);
    Check(found != storages.end(), name, ": a storage that nothing refers to: ", key->bytes);
    const Tensor& tensor = found->second;
    int64_t count = 0;
    Check(contents.size() - at >= sizeof(count), name, ": truncated in the storages");
    std::memcpy(&count, contents.data() + at, sizeof(count));
    at += sizeof(count);
    Check(count == tensor.size(), name, ": storage ", key->bytes, " has ", count, " elements, not ", tensor.size());
    const auto bytes = static_cast<size_t>(tensor.bytes());
    Check(contents.size() - at >= bytes, name, ": truncated in the storages");
    if (bytes > 0) std::memcpy(tensor.raw(), contents.data() + at, bytes);
    at += bytes;
  }
  pickle_.emplace(contents.subspan(begin), name, load);
}

TensorMap ReadStateDict(const std::string& path) {
  const io::MappedFile file(path);
  const TorchFile torch(file.contents(), path);
  const PickleValue* dictionary = &torch.root();
  if (const PickleValue* inner = dictionary->Find("state_dict")) dictionary = inner;
  Check(dictionary->kind == Kind::kDict, path, " holds a ", NameOf(dictionary->kind), ", not a state dictionary");
  TensorMap tensors;
  for (size_t i = 0; i + 1 < dictionary->items.size(); i += 2) {
    const PickleValue &key = *dictionary->items[i], &value = *dictionary->items[i + 1];
    if (key.kind == Kind::kString && value.kind == Kind::kTensor) tensors[key.bytes] = value.tensor;
  }
  Check(!tensors.empty(), path, ": no tensors in the state dictionary");
  return tensors;
}

}  // namespace orbit
