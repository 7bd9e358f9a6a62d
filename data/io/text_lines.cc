#include "data/io/text_lines.h"

#include <algorithm>
#include <span>

#include "engine/io/recognize.h"

namespace orbit {
namespace {

std::string_view WithoutBlanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

}  // namespace

std::string_view TextOf(const io::MappedFile& file) {
  const auto bytes = file.contents();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void ForEachLine(std::string_view text, const std::string& name,
                 const std::function<void(std::string_view, const std::string&)>& f) {
  io::CheckNotForeign(std::as_bytes(std::span(text)), name);
  Check(text.substr(0, 512).find('\0') == std::string_view::npos, name,
        " has zero bytes: it is no text, or text in UTF-16 or UTF-32, to be saved in UTF-8");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find_first_of("\n\r"), text.size());
    const std::string_view line = WithoutBlanks(text.substr(0, end));
    text.remove_prefix(std::min(end + (text.substr(end, 2) == "\r\n" ? 2 : 1), text.size()));
    if (!line.empty()) f(line, name + ":" + std::to_string(number));
  }
}

std::string_view NextWord(std::string_view& line, std::string_view separators) {
  const size_t begin = std::min(line.find_first_not_of(separators), line.size());
  const size_t end = std::min(line.find_first_of(separators, begin), line.size());
  const std::string_view word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

std::string_view NextField(std::string_view& line) {
  const size_t end = std::min(line.find(','), line.size());
  const std::string_view field = WithoutBlanks(line.substr(0, end));
  line.remove_prefix(std::min(end + 1, line.size()));
  return field;
}

}  // namespace orbit
