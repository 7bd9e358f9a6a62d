#include "data/io/lines.h"

#include <algorithm>

namespace orbit {

std::string_view TextOf(const io::MappedFile& file) {
  const auto bytes = file.contents();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void ForEachLine(std::string_view text, const std::string& name, char comment,
                 const std::function<void(std::string_view, const std::string&)>& f) {
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (comment != '\0') line = line.substr(0, line.find(comment));
    if (line.find_first_not_of(kBlanks) != std::string_view::npos) f(line, name + ":" + std::to_string(number));
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
  std::string_view field = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  const size_t first = field.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return field.substr(first, field.find_last_not_of(kBlanks) + 1 - first);
}

}  // namespace orbit
