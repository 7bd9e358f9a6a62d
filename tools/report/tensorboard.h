// Event files, which TensorBoard draws as curves.
#ifndef ORBIT_TOOLS_REPORT_TENSORBOARD_H_
#define ORBIT_TOOLS_REPORT_TENSORBOARD_H_

#include <fstream>
#include <string>
#include <string_view>

#include "tools/report/metrics.h"

namespace orbit {

// CRC-32C (Castagnoli) as TFRecord files store it: rotated and shifted.
uint32_t MaskedCrc32c(std::string_view bytes);

// A new event file in a directory. TensorBoard joins all files of a directory; events of steps from `first_step` on
// that other files have are dropped, as the run goes through them again.
class EventWriter {
 public:
  EventWriter(const std::string& directory, int64_t first_step);

  // Throws Error where it could not be written.
  void Write(int64_t step, const Metrics& metrics);

 private:
  void WriteRecord(const std::string& event);

  std::string path_;
  std::ofstream file_;
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_REPORT_TENSORBOARD_H_
