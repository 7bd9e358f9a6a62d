// Named time ranges of a run. A profiler's timeline shows them (NVTX, in builds with CUDA), and error messages use them
// to say where an error occurred.
#ifndef ORBIT_ENGINE_PROFILING_H_
#define ORBIT_ENGINE_PROFILING_H_

#include <string>

namespace orbit {

// A range from its construction to the end of its scope, on this thread. Ranges nest. `name` must outlive the range.
class ProfileRange {
 public:
  explicit ProfileRange(const char* name);
  ~ProfileRange();
  ProfileRange(const ProfileRange&) = delete;

  // The calling thread's open ranges, outermost first, such as "step > forward > Linear". Empty if there are none.
  static std::string Current();

 private:
  const char* name_;
  ProfileRange* outer_;
};

// Start and stop recording in a profiler that waits for it (nsys --capture-range=cudaProfilerApi, ncu
// --profile-from-start off). They do nothing without CUDA.
void StartProfiler();
void StopProfiler();

}  // namespace orbit

#endif  // ORBIT_ENGINE_PROFILING_H_
