// Named ranges of a run's time: what a profiler's timeline shows (NVTX, where the build has CUDA) and what error
// messages say about where they come from.
#ifndef ORBIT_ENGINE_PROFILING_H_
#define ORBIT_ENGINE_PROFILING_H_

#include <string>

namespace orbit {

// From here to the end of the scope, on this thread; ranges nest. `name` outlives the range.
class ProfileRange {
 public:
  explicit ProfileRange(const char* name);
  ~ProfileRange();
  ProfileRange(const ProfileRange&) = delete;

  // Those of the calling thread, from the outermost in: "step > forward > Linear". Empty where there is none.
  static std::string Current();

 private:
  const char* name_;
  ProfileRange* outer_;
};

// Starts and stops what a profiler records that was told to wait for it (nsys --capture-range=cudaProfilerApi, ncu
// --profile-from-start off). Without CUDA they do nothing.
void StartProfiler();
void StopProfiler();

}  // namespace orbit

#endif  // ORBIT_ENGINE_PROFILING_H_
