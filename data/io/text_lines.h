// Text files with data, line by line.
#ifndef ORBIT_DATA_IO_TEXT_LINES_H_
#define ORBIT_DATA_IO_TEXT_LINES_H_

#include <charconv>
#include <functional>
#include <string>
#include <string_view>

#include "engine/io/mapped_file.h"
#include "kernels/error.h"

namespace orbit {

inline constexpr std::string_view kBlanks = " \t\r\v\f";

std::string_view TextOf(const io::MappedFile& file);

// Calls f for each line that is not blank, without surrounding blanks, and with its place, "NAME:LINE". Lines end in
// LF, CR LF or CR. A byte order mark is skipped. Throws Error for UTF-16 and for files that are not text data
// (engine/io/recognize.h).
void ForEachLine(std::string_view text, const std::string& name,
                 const std::function<void(std::string_view line, const std::string& place)>& f);

// Removes the next word from the line and returns it; words end at `separators`. Returns "" if there is none left.
std::string_view NextWord(std::string_view& line, std::string_view separators = kBlanks);

// Removes the next comma-separated field from the line and returns it without surrounding blanks.
std::string_view NextField(std::string_view& line);

// Parses the whole word as a number of type T. Throws Error "PLACE: 'WORD' is no WHAT".
template <class T>
T ParseNumber(std::string_view word, const std::string& place, const char* what) {
  T number{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  Check(error == std::errc() && end == word.data() + word.size(), place, ": '", word, "' is no ", what);
  return number;
}

}  // namespace orbit

#endif  // ORBIT_DATA_IO_TEXT_LINES_H_
