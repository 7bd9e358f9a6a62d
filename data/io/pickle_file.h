// Files of pickle.dump and torch.save, read without Python: .pkl, .pt, .pth, and .ckpt of PyTorch Lightning.
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

// What the contents are decides, not the file's name: a pickle; a zip archive of torch.save (PyTorch 1.6 and later),
// its entries stored or deflated, of a machine of either byte order; or pickles followed by storages, as torch.save
// wrote them before. Tensors are made when they are asked for, from the file's bytes.
class PickleFile {
 public:
  explicit PickleFile(const std::string& path);
  // `contents` must outlive this; `name` is for messages. Throws Error for what is malformed, and for what is no such
  // file: TorchScript, a Git LFS pointer, a web page and the like by name.
  PickleFile(std::span<const std::byte> contents, const std::string& name);
  ~PickleFile();

  const PickleValue& root() const { return pickle_->root(); }
  const Pickle& pickle() const { return *pickle_; }

  // The tensor that a value of this file stands for; see MakeTensor. All that is made of a file is in proportion to its
  // size (byte_budget.h), views that repeat elements included.
  Tensor ToTensor(const PickleValue& value) const;
  // A reference's storage, which is valid as long as this file. Throws Error where there is none.
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
  std::map<std::string, std::span<const std::byte>> storages_;  // of a file without an archive, by key
};

}  // namespace orbit

#endif  // ORBIT_DATA_IO_PICKLE_FILE_H_
