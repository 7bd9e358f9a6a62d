#include "kernels/cuda/shared_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "kernels/error.h"

namespace orbit::kernels {
namespace {

namespace fs = std::filesystem;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// The folders in `parent` whose names start with `prefix`.
std::vector<fs::path> Folders(const fs::path& parent, const std::string& prefix) {
  std::vector<fs::path> folders;
  std::error_code ignored;
  for (fs::directory_iterator entry(parent, ignored), end; !ignored && entry != end; entry.increment(ignored))
    if (entry->path().filename().string().starts_with(prefix)) folders.push_back(entry->path());
  return folders;
}

// The places to look for the library, in order of preference; for a bare name the loader searches.
std::vector<fs::path> Candidates(const std::string& name) {
  std::vector<fs::path> candidates;
  if (const std::string home = Environment("CUDA_HOME"); !home.empty())
    for (const char* folder : {"lib64", "lib"}) candidates.push_back(fs::path(home) / folder / name);
  candidates.emplace_back(name);
  candidates.push_back(fs::path("/usr/local/cuda/lib64") / name);

  std::vector<fs::path> pythons;  // folders that contain lib/python3.N
  for (const char* variable : {"VIRTUAL_ENV", "CONDA_PREFIX"})
    if (const std::string root = Environment(variable); !root.empty()) pythons.push_back(fs::path(root) / "lib");
  if (const std::string home = Environment("HOME"); !home.empty()) pythons.push_back(fs::path(home) / ".local/lib");
  pythons.insert(pythons.end(), {"/usr/local/lib", "/usr/lib"});
  for (const fs::path& lib : pythons)
    for (const fs::path& python : Folders(lib, "python3"))
      for (const char* packages : {"site-packages", "dist-packages"})
        for (const fs::path& part : Folders(python / packages / "nvidia", ""))
          candidates.push_back(part / "lib" / name);
  return candidates;
}

}  // namespace

SharedLibrary::SharedLibrary(const std::string& name) : name_(name) {
  std::string tried;
  for (const fs::path& candidate : Candidates(name)) {
    std::error_code ignored;
    const bool bare = !candidate.has_parent_path();
    if (bare || fs::exists(candidate, ignored)) handle_ = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_) return;
    tried += "\n  " + (bare ? "the loader's paths (LD_LIBRARY_PATH)" : candidate.string());
    if (const char* error = dlerror(); error && !bare) tried += std::string(": ") + error;
  }
  Fail(name,
       " is needed and was not found. Set CUDA_HOME or LD_LIBRARY_PATH to where it is, or install NVIDIA's Python ",
       "wheel that has it. Looked for in:", tried);
}

void* SharedLibrary::Find(const char* name) const {
  void* function = dlsym(handle_, name);
  Check(function != nullptr, name_, " has no ", name);
  return function;
}

}  // namespace orbit::kernels
