// AlgorithmFile: choices that were measured once and are kept for later runs, such as algorithms of matrix products.
#ifndef ORBIT_KERNELS_CUDA_ALGORITHM_FILE_H_
#define ORBIT_KERNELS_CUDA_ALGORITHM_FILE_H_

#include <map>
#include <optional>
#include <string>

namespace orbit::kernels {

// A text file of lines CHECKSUM<tab>KEY<tab>VALUE, to which any number of processes append. Where a key comes twice,
// its first line counts, for all of them. Lines that are torn or foreign are ignored, and said to be on stderr.
class AlgorithmFile {
 public:
  explicit AlgorithmFile(std::string path);  // that need not exist

  std::optional<std::string> Find(const std::string& key) const;
  // Key and value have neither tabs nor line ends. If the file cannot be written, that is said on stderr.
  void Add(const std::string& key, const std::string& value);

 private:
  const std::string path_;
  std::map<std::string, std::string> values_;
};

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_ALGORITHM_FILE_H_
