// AlgorithmFile: choices that were measured once and are kept for later runs, such as algorithms of matrix products.
#ifndef ORBIT_KERNELS_CUDA_ALGORITHM_FILE_H_
#define ORBIT_KERNELS_CUDA_ALGORITHM_FILE_H_

#include <cstdint>
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
  // Appends the value, and returns the key's first one in the file: where another process was faster, it is that one's.
  // Key and value have neither tabs nor line ends. If the file cannot be written, that is said on stderr.
  std::string Add(const std::string& key, const std::string& value);

 private:
  // Adds the values of keys that are new in the file. Returns the number of lines that are ignored.
  int64_t Read();

  const std::string path_;
  std::map<std::string, std::string> values_;
};

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_ALGORITHM_FILE_H_
