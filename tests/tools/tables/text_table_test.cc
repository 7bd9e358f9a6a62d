#include "tools/tables/text_table.h"

#include <gtest/gtest.h>

namespace orbit {
namespace {

TEST(TextTable, AlignsCharactersNotBytes) {
  const std::vector<TableLine> lines = {{"", "measured"}, {"PS", "0.1 ± 0.2"}, {"Canonical", "1"}};
  EXPECT_EQ(FormatTable(lines, false),
            "           measured\n"
            "----------------------\n"
            "PS         0.1 ± 0.2\n"
            "Canonical  1\n");
  EXPECT_EQ(FormatTable(lines, true),
            "| | measured |\n"
            "| --- | --- |\n"
            "| PS | 0.1 ± 0.2 |\n"
            "| Canonical | 1 |\n");
}

}  // namespace
}  // namespace orbit
