// Text files by lines and words, for readers that tell where something is wrong.
#ifndef ORBIT_DATA_IO_LINES_H_
#define ORBIT_DATA_IO_LINES_H_

#include <charconv>
#include <functional>
#include <string>
#include <string_view>

#include "engine/io/mapped_file.h"
#include "kernels/error.h"

namespace orbit {

inline constexpr std::string_view kBlanks = " \t\r";

std::string_view TextOf(const io::MappedFile& file);

// Calls f with every line that is not blank, and its place NAME:LINE. What follows `comment` on a line is left out;
// '\0' stands for no such sign.
void ForEachLine(std::string_view text, const std::string& name, char comment,
                 const std::function<void(std::string_view line, const std::string& place)>& f);

// Takes the next word off a line, any of `separators` before it included; empty at the end.
std::string_view NextWord(std::string_view& line, std::string_view separators = kBlanks);

// Takes what comes before the next comma off a line, and the comma; the blanks around it are left out.
std::string_view NextField(std::string_view& line);

// The whole word as a number of type T. Throws Error: PLACE: 'WORD' is no WHAT.
template <class T>
T ParseNumber(std::string_view word, const std::string& place, const char* what) {
  T number{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  Check(error == std::errc() && end == word.data() + word.size(), place, ": '", word, "' is no ", what);
  return number;
}

}  // namespace orbit

#endif  // ORBIT_DATA_IO_LINES_H_
