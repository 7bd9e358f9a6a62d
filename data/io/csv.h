// Tables as text: CSV and its like, compressed with gzip or not.
#ifndef ORBIT_DATA_IO_CSV_H_
#define ORBIT_DATA_IO_CSV_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/io/gzip.h"
#include "engine/io/mapped_file.h"

namespace orbit {

// Reads a table record by record, so that memory holds one of them. The first record names the columns; it also tells
// the delimiter, which is the most frequent of comma, semicolon, tab and vertical bar, or a space where there is none
// of these. A field in double quotes may contain delimiters, line ends and doubled quotes; blanks around fields are
// dropped, and so are blank lines. Lines end in LF, CR LF or CR; a byte order mark is skipped.
//
// Errors name the file and the line, and the column where it matters. What is no text is named (engine/io/recognize.h).
class CsvReader {
 public:
  // Throws Error for an empty file.
  explicit CsvReader(const std::string& path);
  // `contents` must outlive this object; `name` is for messages.
  CsvReader(std::span<const std::byte> contents, const std::string& name);

  const std::vector<std::string>& columns() const { return columns_; }
  bool HasColumn(const std::string& name) const;
  // The place of the column. Throws Error, with the columns that are there, if it is missing or there are several.
  size_t Column(const std::string& name) const;

  // Reads the next record; false at the end. Throws Error for a quoted field that does not end or is followed by text,
  // and for a record that has not as many fields as there are columns.
  bool Next();
  std::string_view Field(size_t column) const { return fields_.at(column); }
  int64_t line() const { return record_line_; }  // of the record's begin, from 1
  std::string Place() const;                     // "NAME:LINE"
  std::string Place(size_t column) const;        // "NAME:LINE: column 'COLUMN'"

 private:
  void Start();
  bool Refill();
  int Peek();  // the next byte, or -1 at the end
  bool IsBlank(int c) const { return c == ' ' || (c == '\t' && delimiter_ != '\t'); }
  void SkipBlanks();
  bool ReadRecord();
  void ReadField(std::string& field);
  void ReadQuoted(std::string& field);
  void EndLine();

  std::string name_;
  std::unique_ptr<io::MappedFile> file_;
  std::span<const std::byte> contents_;
  std::optional<GzipReader> unpacker_;
  std::vector<std::byte> unpacked_;
  std::string_view text_;  // what is read and not yet parsed
  char delimiter_ = ',';
  int64_t line_ = 1, record_line_ = 1;
  std::vector<std::string> columns_, fields_;
  size_t count_ = 0;  // of the record's fields; fields_ may have more, whose memory is used again
};

// A field as CSV has it: in quotes where it needs them.
std::string ToCsvField(std::string_view text);

}  // namespace orbit

#endif  // ORBIT_DATA_IO_CSV_H_
