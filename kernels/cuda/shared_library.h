// CUDA libraries that are loaded on first use, so that programs start without them.
#ifndef ORBIT_KERNELS_CUDA_SHARED_LIBRARY_H_
#define ORBIT_KERNELS_CUDA_SHARED_LIBRARY_H_

#include <string>

namespace orbit::kernels {

// A library such as "libcublasLt.so.13", which stays loaded. It is searched for in $CUDA_HOME, on the loader's own
// paths (LD_LIBRARY_PATH and the system's), in /usr/local/cuda, and in NVIDIA's Python wheels in $VIRTUAL_ENV,
// $CONDA_PREFIX, the user's and the system's site-packages. Throws Error, listing these places, if it is not found.
class SharedLibrary {
 public:
  explicit SharedLibrary(const std::string& name);

  // A function by name and type: Get<decltype(&cublasLtCreate)>("cublasLtCreate"). Throws Error if there is none.
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
