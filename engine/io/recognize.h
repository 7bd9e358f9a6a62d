// Files that are not what their reader was promised.
#ifndef ORBIT_ENGINE_IO_RECOGNIZE_H_
#define ORBIT_ENGINE_IO_RECOGNIZE_H_

#include <cstddef>
#include <span>
#include <string>

namespace orbit::io {

// What a file is by its first bytes, and what to do about it, such as "a Git LFS pointer ...": one of the things that
// come in the place of data (pointers, web pages, compressed files, text in UTF-16, other libraries' containers). Empty
// where it is none of them. Only for readers whose own format these bytes cannot begin.
std::string Recognize(std::span<const std::byte> contents);

// Throws Error, beginning with the file's name, where Recognize knows the contents.
void CheckNotForeign(std::span<const std::byte> contents, const std::string& name);

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_RECOGNIZE_H_
