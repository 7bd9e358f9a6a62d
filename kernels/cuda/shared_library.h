// Libraries of CUDA that are looked for when a program runs, not when it starts: it starts without them.
#ifndef ORBIT_KERNELS_CUDA_SHARED_LIBRARY_H_
#define ORBIT_KERNELS_CUDA_SHARED_LIBRARY_H_

#include <string>

namespace orbit::kernels {

// A library such as "libcublasLt.so.13", which stays loaded, from the first of: $CUDA_HOME, the loader's own paths
// (LD_LIBRARY_PATH and the system's), /usr/local/cuda, and NVIDIA's Python wheels in $VIRTUAL_ENV, $CONDA_PREFIX, the
// user's and the system's site-packages. Throws Error that lists where it was looked for.
class SharedLibrary {
 public:
  explicit SharedLibrary(const std::string& name);

  // A function by its name and type: Get<decltype(&cublasLtCreate)>("cublasLtCreate"). Throws where it is not there.
  template <class Function>
  Function Get(const char* name) const {
    return reinterpret_cast<Function>(Find(name));
  }

 private:
  void* Find(const char* name) const;

  std::string name_;
  void* handle_ = nullptr;
};

}  // namespace orbit::kernels

#endif  // ORBIT_KERNELS_CUDA_SHARED_LIBRARY_H_
