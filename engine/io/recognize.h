// Recognises files that are not what their reader expects.
#ifndef ORBIT_ENGINE_IO_RECOGNIZE_H_
#define ORBIT_ENGINE_IO_RECOGNIZE_H_

#include <cstddef>
#include <span>
#include <string>

namespace orbit::io {

// Says what a file is, judging by its first bytes, and what to do about it, such as "a Git LFS pointer ...". Knows what
// often appears in place of data: pointers, web pages, compressed files, UTF-16 text, containers of other libraries.
// Returns "" for everything else. Only for readers whose own format cannot begin with these bytes.
std::string Recognize(std::span<const std::byte> contents);

// Throws Error, with the file's name first, if Recognize knows the contents.
void CheckNotForeign(std::span<const std::byte> contents, const std::string& name);

}  // namespace orbit::io

#endif  // ORBIT_ENGINE_IO_RECOGNIZE_H_
