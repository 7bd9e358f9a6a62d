#include "kernels/simt/recording.h"

namespace orbit::kernels::simt {

constinit thread_local Recording* recording = nullptr;

}  // namespace orbit::kernels::simt
