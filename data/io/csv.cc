#include "data/io/csv.h"

#include <algorithm>
#include <array>

#include "data/io/text_lines.h"
#include "engine/io/recognize.h"

namespace orbit {
namespace {

constexpr size_t kPieceBytes = 1 << 18;  // that are unpacked at once

constexpr char kNone = '\0';  // the delimiter of a single column

// Tells the delimiter from a header line, as far as `text` has it.
char FindDelimiter(std::string_view text) {
  constexpr std::array kDelimiters = {',', ';', '\t', '|'};
  std::array<int64_t, kDelimiters.size()> counts{};
  bool quoted = false, has_text = false, after_blank = false, has_blank_within = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted && c != '"') continue;
    if (c == '\n' || c == '\r') {
      if (has_text) break;
      continue;
    }
    const bool is_blank = kBlanks.find(c) != std::string_view::npos;
    has_blank_within |= after_blank && !is_blank;
    after_blank = is_blank && has_text;
    has_text |= !is_blank;
    for (size_t i = 0; i < kDelimiters.size(); ++i) counts[i] += c == kDelimiters[i];
  }
  const auto most = std::max_element(counts.begin(), counts.end());
  if (*most > 0) return kDelimiters[most - counts.begin()];
  return has_blank_within ? ' ' : kNone;
}

}  // namespace

CsvReader::CsvReader(const std::string& path)
    : name_(path), file_(std::make_unique<io::MappedFile>(path)), contents_(file_->contents()) {
  Start();
}

CsvReader::CsvReader(std::span<const std::byte> contents, const std::string& name) : name_(name), contents_(contents) {
  Start();
}

void CsvReader::Start() {
  if (IsGzip(contents_)) {
    unpacker_.emplace(contents_, name_);
    unpacked_.resize(std::min(kPieceBytes, 1024 * contents_.size()));
    Refill();
  } else {
    text_ = {reinterpret_cast<const char*>(contents_.data()), contents_.size()};
  }
  io::CheckNotForeign(std::as_bytes(std::span(text_)), name_);
  Check(text_.substr(0, 512).find('\0') == std::string_view::npos, name_,
        " has zero bytes: it is no text, or text in UTF-16 or UTF-32, to be saved in UTF-8");
  if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
  delimiter_ = FindDelimiter(text_);
  Check(ReadRecord(), name_, " is empty: it has no line with the names of columns");
  columns_.assign(fields_.begin(), fields_.begin() + static_cast<int64_t>(count_));
}

bool CsvReader::HasColumn(const std::string& name) const {
  return std::find(columns_.begin(), columns_.end(), name) != columns_.end();
}

size_t CsvReader::Column(const std::string& name) const {
  std::string all;
  for (const std::string& column : columns_) all += (all.empty() ? "'" : ", '") + column + "'";
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  Check(found != columns_.end(), name_, " has no column '", name, "'; its columns are ", all);
  Check(std::find(found + 1, columns_.end(), name) == columns_.end(), name_, " has several columns '", name,
        "'; its columns are ", all);
  return found - columns_.begin();
}

bool CsvReader::Next() {
  if (!ReadRecord()) return false;
  Check(count_ == columns_.size(), Place(), ": ", count_, " fields where there are ", columns_.size(), " columns");
  return true;
}

std::string CsvReader::Place() const { return name_ + ":" + std::to_string(record_line_); }
std::string CsvReader::Place(size_t column) const { return Place() + ": column '" + columns_.at(column) + "'"; }

// What was read before is parsed by now.
bool CsvReader::Refill() {
  if (!unpacker_) return false;
  const size_t size = unpacker_->Read(unpacked_);
  text_ = {reinterpret_cast<const char*>(unpacked_.data()), size};
  return size > 0;
}

int CsvReader::Peek() {
  if (text_.empty() && !Refill()) return -1;
  return static_cast<unsigned char>(text_[0]);
}

void CsvReader::SkipBlanks() {
  while (IsBlank(Peek())) text_.remove_prefix(1);
}

// Reads one that is not a blank line; false at the end.
bool CsvReader::ReadRecord() {
  do {
    if (Peek() < 0) return false;
    record_line_ = line_;
    count_ = 0;
    do {
      if (count_ > 0) text_.remove_prefix(1);
      if (count_ == fields_.size()) fields_.emplace_back();
      ReadField(fields_[count_++]);
    } while (Peek() == static_cast<unsigned char>(delimiter_));
    EndLine();
  } while (count_ == 1 && fields_[0].empty());
  return true;
}

// Leaves what follows the field: the delimiter, a line end or the end.
void CsvReader::ReadField(std::string& field) {
  field.clear();
  if (delimiter_ != ' ') SkipBlanks();
  if (Peek() == '"') return ReadQuoted(field);
  const std::array ends = {delimiter_, '\n', '\r'};
  while (Peek() >= 0) {
    const size_t end = std::min(text_.find_first_of({ends.data(), ends.size()}), text_.size());
    field.append(text_.substr(0, end));
    text_.remove_prefix(end);
    if (!text_.empty()) break;
  }
  while (!field.empty() && IsBlank(field.back())) field.pop_back();
}

void CsvReader::ReadQuoted(std::string& field) {
  const int64_t first_line = line_;
  char last = 0;
  text_.remove_prefix(1);
  while (true) {
    Check(Peek() >= 0, name_, ":", first_line, ": the quoted field number ", count_, " of the record does not end");
    const size_t end = std::min(text_.find('"'), text_.size());
    for (const char c : text_.substr(0, end)) {
      line_ += c == '\r' || (c == '\n' && last != '\r');
      last = c;
    }
    field.append(text_.substr(0, end));
    text_.remove_prefix(end);
    if (text_.empty()) continue;
    text_.remove_prefix(1);
    if (Peek() != '"') break;
    text_.remove_prefix(1);
    field += '"';
    last = '"';
  }
  if (delimiter_ != ' ') SkipBlanks();
  const int next = Peek();
  Check(next < 0 || next == '\n' || next == '\r' || next == static_cast<unsigned char>(delimiter_), name_, ":", line_,
        ": text after the quoted field number ", count_, " of the record");
}

void CsvReader::EndLine() {
  const int end = Peek();
  if (end < 0) return;
  text_.remove_prefix(1);
  if (end == '\r' && Peek() == '\n') text_.remove_prefix(1);
  ++line_;
}

std::string ToCsvField(std::string_view text) {
  const bool has_blanks = !text.empty() && (text.front() == ' ' || text.back() == ' ');
  if (!has_blanks && text.find_first_of(",\"\r\n;\t|") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace orbit
