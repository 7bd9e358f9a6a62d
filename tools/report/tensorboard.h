// Event files, from which TensorBoard draws curves.
#ifndef ORBIT_TOOLS_REPORT_TENSORBOARD_H_
#define ORBIT_TOOLS_REPORT_TENSORBOARD_H_

#include <memory>
#include <string>
#include <string_view>

#include "engine/io/appended_file.h"
#include "tools/report/metrics.h"

namespace orbit {

// CRC-32C (Castagnoli), rotated and shifted as in TFRecord files.
uint32_t MaskedCrc32c(std::string_view bytes);

// Creates an event file in a directory. TensorBoard merges all files of a directory; it drops other files' events of
// steps from `first_step` on, as the run will repeat these steps.
class EventWriter {
 public:
  EventWriter(const std::string& directory, int64_t first_step);

  // Throws Error if it cannot be written; the next call then writes it too.
  void Write(int64_t step, const Metrics& metrics);

 private:
  void WriteRecord(const std::string& event);

  std::unique_ptr<io::AppendedFile> file_;
};

}  // namespace orbit

#endif  // ORBIT_TOOLS_REPORT_TENSORBOARD_H_
