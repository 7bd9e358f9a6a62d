#include "tools/report/tensorboard.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>

#include "tools/report/tensorboard.pb.h"

namespace orbit {
namespace {

double WallTime() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0u);
    table[i] = crc;
  }
  return table;
}();

template <class T>
std::string_view Bytes(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

}  // namespace

uint32_t MaskedCrc32c(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char byte : bytes) crc = crc >> 8 ^ kCrcTable[(crc ^ static_cast<uint8_t>(byte)) & 0xff];
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

EventWriter::EventWriter(const std::string& directory, int64_t first_step) {
  char host[256] = "localhost";
  gethostname(host, sizeof(host) - 1);
  const auto seconds = static_cast<int64_t>(WallTime());
  const std::string name =
      directory + "/events.out.tfevents." + std::to_string(seconds) + "." + host + "." + std::to_string(getpid());
  std::string path = name;
  for (int i = 1; std::filesystem::exists(path); ++i) path = name + "." + std::to_string(i);
  file_ = std::make_unique<io::AppendedFile>(path);
  tensorboard::Event event;
  event.set_wall_time(WallTime());
  event.set_file_version("brain.Event:2");
  WriteRecord(event.SerializeAsString());
  event.set_step(first_step);
  event.mutable_session_log()->set_status(tensorboard::SessionLog::START);
  WriteRecord(event.SerializeAsString());
}

void EventWriter::Write(int64_t step, const Metrics& metrics) {
  tensorboard::Event event;
  event.set_wall_time(WallTime());
  event.set_step(step);
  for (const auto& [name, number] : metrics) {
    tensorboard::Value* value = event.mutable_summary()->add_value();
    value->set_tag(name);
    value->set_simple_value(static_cast<float>(number));
  }
  WriteRecord(event.SerializeAsString());
}

// A TFRecord: length, checksum of the length, bytes, checksum of the bytes.
void EventWriter::WriteRecord(const std::string& event) {
  const uint64_t length = event.size();
  const uint32_t length_crc = MaskedCrc32c(Bytes(length)), event_crc = MaskedCrc32c(event);
  std::string record(Bytes(length));
  record.append(Bytes(length_crc)).append(event).append(Bytes(event_crc));
  file_->Append(record);
}

}  // namespace orbit
