// PCQM-Contact from files in the published forms, and what is refused.
#include "data/molecules/contacts.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/data/io/python_files.h"
#include "tests/engine/io/testing.h"

namespace orbit {
namespace {

using namespace python;
using testing::HasSubstr;

Value Numbers(const std::vector<int32_t>& shape, const std::vector<int64_t>& values) {
  return Array(shape, Dtype("i8"), false, RawList(values));
}

// Two atoms and a bond; they are in contact one way and not the other.
std::vector<std::pair<std::string, Value>> Attributes(int64_t first_atom = 5, int64_t last_tail = 0) {
  return {{"x", Numbers({2, 9}, {first_atom, 0, 1, 5, 1, 0, 2, 0, 0, 34, 2, 6, 6, 1, 3, 5, 1, 1})},
          {"edge_attr", Numbers({2, 3}, {1, 0, 0, 3, 0, 0})},
          {"edge_index", Numbers({2, 2}, {0, 1, 1, 0})},
          {"edge_label_index", Numbers({2, 2}, {0, 1, 1, last_tail})},
          {"edge_label", Numbers({2}, {1, 0})}};
}

class ContactsTest : public io::FileTest {
 protected:
  void SetUp() override { setenv("ORBIT_CACHE", Path("cache").c_str(), 1); }
  void Write(const Value& train) {
    io::WriteFile(Path("train.pt"), PickleOf(train));
    for (const char* name : {"val.pt", "test.pt"}) io::WriteFile(Path(name), PickleOf(List({Dict(Attributes())})));
  }
};

Value AsTuple(const std::vector<std::pair<std::string, Value>>& attributes) {
  std::vector<Value> values;
  for (const auto& [name, value] : attributes) values.push_back(value);
  return Tuple(values);
}

TEST_F(ContactsTest, AreReadInBothForms) {
  for (const Value& molecule : {AsTuple(Attributes()), Dict(Attributes())}) {
    Write(List({molecule, molecule}));
    for (int times = 0; times < 2; ++times) {  // from the files and from the cache
      const Contacts contacts = ReadContacts(Path(""));
      ASSERT_EQ(contacts.graphs().size(), 4);
      EXPECT_THAT(contacts.splits()[0], testing::ElementsAre(0, 1));
      EXPECT_THAT(contacts.splits()[2], testing::ElementsAre(3));
      EXPECT_EQ(contacts.graphs().n(1), 2);
      EXPECT_EQ(contacts.graphs().atoms(1)[9], 34);
      EXPECT_EQ(contacts.graphs().bonds(1)[3], 3);
      ASSERT_EQ(contacts.pairs(1).size(), 2);
      EXPECT_EQ(contacts.pairs(1)[0].head, 0);
      EXPECT_EQ(contacts.pairs(1)[0].tail, 1);
      EXPECT_EQ(contacts.pairs(1)[0].in_contact, 1);
      EXPECT_EQ(contacts.pairs(1)[1].in_contact, 0);
    }
  }
}

TEST_F(ContactsTest, WhatIsRefused) {
  const auto message = [&] { return io::MessageOf([&] { ReadContacts(Path("")); }); };
  EXPECT_THAT(message(), HasSubstr("has no train.pt"));
  Write(List({AsTuple(Attributes()), AsTuple(Attributes(35))}));
  EXPECT_THAT(message(),
              HasSubstr("train.pt: molecule 1: 'x' has the value 35 in column 0, where 35 values are known"));
  Write(List({AsTuple(Attributes(5, 2))}));
  EXPECT_THAT(message(), HasSubstr("molecule 0: 'edge_label_index' has atom 2 of 2"));
  Write(List({Tuple({Int(1)})}));
  EXPECT_THAT(message(), HasSubstr("a tuple of 1 has no 'x'"));
}

}  // namespace
}  // namespace orbit
