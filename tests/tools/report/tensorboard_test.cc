#include "tools/report/tensorboard.h"

#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>

#include "tests/engine/io/testing.h"
#include "tools/report/tensorboard.pb.h"

namespace orbit {
namespace {

using io::FullDisk;
using io::MessageOf;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class EventWriterTest : public io::FileTest {
 protected:
  std::filesystem::path EventFile() const {
    EXPECT_EQ(FilesInDirectory(), 1u);
    return std::filesystem::directory_iterator(Path(""))->path();
  }

  // The events of the only file; also checks its framing.
  std::vector<tensorboard::Event> Events() const {
    const std::string file = io::ReadFile(EventFile());
    std::vector<tensorboard::Event> events;
    size_t offset = 0;
    const auto take = [&](size_t bytes) {
      const std::string taken = file.substr(offset, bytes);
      EXPECT_EQ(taken.size(), bytes);
      offset += bytes;
      return taken;
    };
    const auto take_checksum = [&] {
      uint32_t checksum;
      std::memcpy(&checksum, take(4).data(), 4);
      return checksum;
    };
    while (offset < file.size() && !HasFailure()) {
      const std::string length = take(8);
      uint64_t bytes;
      std::memcpy(&bytes, length.data(), 8);
      EXPECT_EQ(take_checksum(), MaskedCrc32c(length));
      const std::string event = take(bytes);
      EXPECT_EQ(take_checksum(), MaskedCrc32c(event));
      EXPECT_TRUE(events.emplace_back().ParseFromString(event));
    }
    return events;
  }
};

TEST(MaskedCrc32cTest, IsThatOfTFRecord) {
  const auto masked = [](uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; };
  EXPECT_EQ(MaskedCrc32c("123456789"), masked(0xe3069283u));            // the catalogue's check value
  EXPECT_EQ(MaskedCrc32c(std::string(32, '\0')), masked(0x8a9136aau));  // RFC 3720, B.4
  EXPECT_EQ(MaskedCrc32c(std::string(32, '\xff')), masked(0x62a8ab43u));
}

TEST_F(EventWriterTest, BeginsWithVersionAndStart) {
  const EventWriter writer(Path(""), 21);
  EXPECT_THAT(EventFile().filename(), StartsWith("events.out.tfevents."));
  const auto events = Events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  EXPECT_GT(events[0].wall_time(), 1.6e9);
  EXPECT_EQ(events[1].session_log().status(), tensorboard::SessionLog::START);
  EXPECT_EQ(events[1].step(), 21);
}

TEST_F(EventWriterTest, WritesScalarsAtOnce) {
  EventWriter writer(Path(""), 1);
  writer.Write(10, {{"train/loss", 0.5}, {"valid/mse", 0}});
  const auto events = Events();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[2].step(), 10);
  const tensorboard::Summary& summary = events[2].summary();
  ASSERT_EQ(summary.value_size(), 2);
  EXPECT_EQ(summary.value(0).tag(), "train/loss");
  EXPECT_EQ(summary.value(0).simple_value(), 0.5f);
  EXPECT_EQ(summary.value(1).tag(), "valid/mse");
  // A reader takes a value without a number for a missing one, so zero must be written.
  EXPECT_EQ(summary.value(1).value_case(), tensorboard::Value::kSimpleValue);
}

// The field numbers must be TensorFlow's: event.proto, summary.proto.
TEST_F(EventWriterTest, HasTheFieldNumbersOfTensorFlow) {
  tensorboard::Event event;
  event.set_wall_time(0.5);
  event.set_step(3);
  auto* value = event.mutable_summary()->add_value();
  value->set_tag("a");
  value->set_simple_value(0);
  const std::string doubled("\x09\0\0\0\0\0\0\xe0\x3f", 9), step("\x10\x03", 2);
  const std::string scalar("\x0a\x08\x0a\x01\x61\x15\0\0\0\0", 10);
  EXPECT_EQ(event.SerializeAsString(), doubled + step + "\x2a\x0a" + scalar);
  tensorboard::Event start;
  start.mutable_session_log()->set_status(tensorboard::SessionLog::START);
  EXPECT_EQ(start.SerializeAsString(), "\x3a\x02\x08\x01");
}

TEST_F(EventWriterTest, SaysWhyItCannotWrite) {
  EXPECT_THAT(MessageOf([&] { EventWriter(Path("absent"), 1); }),
              AllOf(HasSubstr("absent/events.out.tfevents."), HasSubstr("No such file")));
  EventWriter writer(Path(""), 1);
  const FullDisk full(std::filesystem::file_size(EventFile()));
  EXPECT_THAT(MessageOf([&] { writer.Write(1, {{"loss", 1}}); }), HasSubstr("File too large"));
}

}  // namespace
}  // namespace orbit
