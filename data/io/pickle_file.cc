#include "data/io/pickle_file.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "engine/io/recognize.h"

namespace orbit {
namespace {

using Kind = PickleValue::Kind;

// 0x1950a86a20f9469cfc6c, little endian.
constexpr std::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
constexpr int64_t kProtocol = 1001;

// The identifier of a storage: ("storage", class, key, device, elements, view), without the view in zip archives.
struct StorageId {
  const std::string& type;
  const std::string& key;
  int64_t elements;
};

std::optional<StorageId> ParseStorageId(const PickleValue& reference) {
  const std::vector<PickleValue*>& id = reference.arguments->items;
  if (reference.arguments->kind != Kind::kTuple || id.size() < 5 || id[0]->bytes != "storage" ||
      id[1]->kind != Kind::kGlobal || id[2]->kind != Kind::kString || id[4]->kind != Kind::kInt || id[4]->integer < 0 ||
      (id.size() > 5 && id[5]->kind != Kind::kNone))
    return std::nullopt;
  return StorageId{id[1]->bytes, id[2]->bytes, id[4]->integer};
}

std::string_view TextOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

PickleFile::PickleFile(const std::string& path)
    : name_(path), file_(std::make_unique<io::MappedFile>(path)), budget_(file_->contents().size(), path) {
  Read(file_->contents());
}

PickleFile::PickleFile(std::span<const std::byte> contents, const std::string& name)
    : name_(name), budget_(contents.size(), name) {
  Read(contents);
}

PickleFile::~PickleFile() = default;

void PickleFile::Read(std::span<const std::byte> contents) {
  Check(!contents.empty(), name_, " is empty");
  if (TextOf(contents).starts_with("PK\3\4")) return ReadArchive(contents);
  io::CheckNotForeign(contents, name_);
  pickle_.emplace(contents, name_);
  if (root().kind == Kind::kBigInt && root().bytes == kMagic) return ReadLegacy(contents, pickle_->bytes_read());
  Check(pickle_->bytes_read() == contents.size(), name_, ": ", contents.size() - pickle_->bytes_read(),
        " bytes follow the pickle: one object a file is read");
}

void PickleFile::ReadArchive(std::span<const std::byte> contents) {
  archive_ = std::make_unique<ZipArchive>(contents, name_);
  std::string pickle;
  for (const std::string& entry : archive_->Names()) {
    if (entry == "data.pkl" || entry.ends_with("/data.pkl")) pickle = entry;
    Check(entry != "constants.pkl" && !entry.ends_with("/constants.pkl"), name_,
          " is a TorchScript archive (torch.jit.save), a program: save the module's state_dict() with torch.save "
          "instead");
  }
  Check(!pickle.empty(), name_, ": the archive has no data.pkl, torch.save did not write it; it begins with ",
        archive_->Names().empty() ? "nothing" : archive_->Names().front());
  folder_ = pickle.substr(0, pickle.size() - std::string_view("data.pkl").size());
  if (archive_->Has(folder_ + "byteorder")) {
    const std::string_view order = TextOf(archive_->Read(folder_ + "byteorder"));
    Check(order == "little" || order == "big", name_, ": the byte order '", order.substr(0, 20), "' is unknown");
    big_endian_ = order == "big";
  }
  pickle_.emplace(archive_->Read(pickle), name_);
}

void PickleFile::ReadLegacy(std::span<const std::byte> contents, size_t begin) {
  size_t at = begin;
  const auto next = [&] {
    Pickle pickle(contents.subspan(at), name_);
    at += pickle.bytes_read();
    return pickle;
  };
  const Pickle protocol = next();
  Check(protocol.root().integer == kProtocol, name_, ": protocol ", protocol.root().integer,
        " of torch.save is unknown");
  const Pickle machine = next();
  const PickleValue* little = machine.root().Find("little_endian");
  // What a big-endian machine wrote depends on PyTorch's version.
  Check(little == nullptr || little->integer != 0, name_,
        " was written on a big-endian machine in the format before PyTorch 1.6: save it anew there");
  pickle_.emplace(next());
  const Pickle keys = next();
  Check(keys.root().kind == Kind::kList, name_, ": no list of storages");

  // The pickle has the storages' types, which determine where each storage ends.
  std::map<std::string, std::string> types;
  for (const PickleValue& value : pickle_->values())
    if (value.kind == Kind::kReference)
      if (const std::optional<StorageId> id = ParseStorageId(value)) types.emplace(id->key, id->type);
  for (const PickleValue* key : keys.root().items) {
    const auto type = types.find(key->bytes);
    Check(type != types.end(), name_, ": a storage that nothing refers to: ", key->bytes);
    const std::optional<StorageClass> known = FindStorageClass(type->second);
    Check(known.has_value(), name_, ": a storage of the unknown class ", type->second);
    uint64_t count = 0;
    Check(contents.size() - at >= sizeof(count), name_, ": truncated in the storages");
    std::memcpy(&count, contents.data() + at, sizeof(count));
    at += sizeof(count);
    Check(count <= (contents.size() - at) / known->element_bytes, name_, ": truncated in the storages");
    storages_[key->bytes] = contents.subspan(at, count * known->element_bytes);
    at += count * known->element_bytes;
  }
}

Tensor PickleFile::ToTensor(const PickleValue& value) const {
  return MakeTensor(
      value, [&](const PickleValue& reference) { return FindStorage(reference); }, budget_);
}

PickleStorage PickleFile::FindStorage(const PickleValue& reference) const {
  const std::optional<StorageId> id = ParseStorageId(reference);
  Check(id.has_value(), "a reference to something outside of the pickle that is no storage");
  const std::optional<StorageClass> type = FindStorageClass(id->type);
  Check(type && type->type, "a storage of class ", id->type, ", which is not supported");
  std::span<const std::byte> bytes;
  if (archive_) {
    bytes = archive_->Read(folder_ + "data/" + id->key);
  } else {
    const auto found = storages_.find(id->key);
    Check(found != storages_.end(), "the storage ", id->key, " is not in the file");
    bytes = found->second;
  }
  Check(bytes.size() / type->element_bytes == static_cast<uint64_t>(id->elements) &&
            bytes.size() % type->element_bytes == 0,
        "storage ", id->key, " has ", bytes.size(), " bytes, not ", id->elements, " elements of ", id->type);
  return {{bytes, *type->type, big_endian_}, nullptr};
}

}  // namespace orbit
