// Files of torch.save, read without Python: .pt, .pth, and .ckpt of PyTorch Lightning.
#ifndef ORBIT_DATA_IO_TORCH_FILE_H_
#define ORBIT_DATA_IO_TORCH_FILE_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "data/io/pickle.h"
#include "engine/tensor_map.h"

namespace orbit {

// Either format: a zip archive whose entries are stored (PyTorch 1.6 and later), or pickles followed by the storages.
class TorchFile {
 public:
  // `name` is for messages; a nested file, a storage within a pickle, may not nest others. Throws Error for what is
  // malformed, refused (see pickle.h) or compressed.
  TorchFile(std::span<const std::byte> contents, const std::string& name, bool nested = false);

  const PickleValue& root() const { return pickle_->root(); }

 private:
  void ReadArchive(std::span<const std::byte> contents, const std::string& name);
  void ReadLegacy(std::span<const std::byte> contents, const std::string& name);

  std::optional<Pickle> pickle_;
};

// The tensors of a state dictionary by name: the file's own, or that under "state_dict".
TensorMap ReadStateDict(const std::string& path);

}  // namespace orbit

#endif  // ORBIT_DATA_IO_TORCH_FILE_H_
