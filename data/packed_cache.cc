#include "data/packed_cache.h"

#include <cstring>
#include <filesystem>
#include <iostream>
#include <utility>

#include "engine/io/checksum.h"
#include "kernels/cache_directory.h"

namespace orbit {
namespace {

constexpr const char* kVersion = "version";
constexpr size_t kDigestDigits = 16;  // in file names

}  // namespace

PackedArrays::PackedArrays(TensorMap tensors) : tensors_(std::move(tensors)) {
  for (const auto& [name, tensor] : tensors_)
    arrays_[name] = {tensor.dtype(), tensor.shape(), tensor.size() > 0 ? tensor.raw() : nullptr};
}

PackedArrays::PackedArrays(const std::string& path, const std::string& version)
    : file_(std::make_shared<io::MappedFile>(path)) {
  const io::SafetensorsView view = io::ViewChecksummed(file_->contents(), path);
  const auto made = view.metadata.find(kVersion);
  const std::string found = made == view.metadata.end() ? "" : made->second;
  Check(found == version, path, " is of the version '", found, "', and this is '", version, "'");
  for (const auto& [name, shape, elements] : view.tensors)
    arrays_[name] = {DTypeOf(elements.type), shape, elements.bytes.data()};
}

const PackedArrays::Array& PackedArrays::Find(const std::string& name) const {
  const auto found = arrays_.find(name);
  Check(found != arrays_.end(), "there is no array ", name);
  return found->second;
}

Tensor PackedArrays::Copy(const std::string& name) const {
  const Array& array = Find(name);
  const Tensor tensor = Tensor::Empty(array.shape, array.dtype);
  if (tensor.size() > 0) std::memcpy(tensor.raw(), array.data, tensor.bytes());
  return tensor;
}

PackedArrays LoadPacked(const PackedKey& key, const std::function<TensorMap()>& make) {
  const std::string digest = key.digest.empty() ? "" : "-" + key.digest.substr(0, kDigestDigits);
  const std::string path = CacheDirectory() + "/" + key.name + digest + ".safetensors";
  const std::string version = key.version + (key.digest.empty() ? "" : " of " + key.digest);
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    try {
      return PackedArrays(path, version);
    } catch (const std::exception& error) {
      std::cerr << "data set made anew: " << error.what() << std::endl;
    }
  }
  TensorMap made = make();
  try {
    std::filesystem::create_directories(CacheDirectory());
    io::Safetensors file{.tensors = made};
    if (!version.empty()) file.metadata[kVersion] = version;
    io::WriteChecksummed(path, std::move(file));
    return PackedArrays(path, version);
  } catch (const std::exception& error) {
    std::cerr << "data set not kept: " << error.what() << std::endl;
  }
  return PackedArrays(std::move(made));
}

}  // namespace orbit
