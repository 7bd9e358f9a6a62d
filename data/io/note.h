// Remarks of a reader about a file that it can read.
#ifndef ORBIT_DATA_IO_NOTE_H_
#define ORBIT_DATA_IO_NOTE_H_

#include <cstdio>
#include <functional>
#include <string>

namespace orbit {

using Note = std::function<void(const std::string&)>;

// Prints a line to standard error.
inline void PrintNote(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

}  // namespace orbit

#endif  // ORBIT_DATA_IO_NOTE_H_
