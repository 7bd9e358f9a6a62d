// Reads files of pickle.dump and torch.save without Python: .pkl, .pt, .pth, and .ckpt of PyTorch Lightning.
#ifndef ORBIT_DATA_IO_PICKLE_FILE_H_
#define ORBIT_DATA_IO_PICKLE_FILE_H_

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "data/io/byte_budget.h"
#include "data/io/pickle.h"
#include "data/io/pickle_tensor.h"
#include "data/io/zip.h"
#include "engine/io/mapped_file.h"

namespace orbit {

// The contents decide the format, not the file's name: a pickle; a zip archive of torch.save (PyTorch 1.6 and later)
// with stored or deflated entries, from a machine of either byte order; or pickles followed by storages, as earlier
// versions of torch.save wrote them. Tensors are made from the file's bytes when they are requested.
class PickleFile {
 public:
  explicit PickleFile(const std::string& path);
  // `contents` must outlive this object; `name` is for messages. Throws Error for malformed contents and for other
  // files, naming common ones: TorchScript, Git LFS pointers, web pages and the like.
  PickleFile(std::span<const std::byte> contents, const std::string& name);
  ~PickleFile();

  const PickleValue& root() const { return pickle_->root(); }
  const Pickle& pickle() const { return *pickle_; }

  // The tensor that a value of this file represents; see MakeTensor. Everything made from a file is proportional to its
  // size (byte_budget.h), including views that repeat elements.
  Tensor ToTensor(const PickleValue& value) const;
  // The storage that a reference points to, valid as long as this object. Throws Error if there is none.
  PickleStorage FindStorage(const PickleValue& reference) const;

 private:
  void Read(std::span<const std::byte> contents);
  void ReadArchive(std::span<const std::byte> contents);
  void ReadLegacy(std::span<const std::byte> contents, size_t begin);

  std::string name_;
  std::unique_ptr<io::MappedFile> file_;
  std::optional<Pickle> pickle_;
  mutable ByteBudget budget_;
  std::unique_ptr<ZipArchive> archive_;
  std::string folder_;  // of the archive's entries
  bool big_endian_ = false;
  std::map<std::string, std::span<const std::byte>> storages_;  // by key, in a file that is not an archive
};

}  // namespace orbit

#endif  // ORBIT_DATA_IO_PICKLE_FILE_H_
