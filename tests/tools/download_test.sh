#!/usr/bin/env bash
# The program download as its users call it; transfers themselves are downloader_test's.
download=$PWD/$1
. tests/tools/testing.sh
abc=ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
closed=http://127.0.0.1:1/abc  # a port that nothing listens on

"$download" --list >list.txt
for name in exp pattern pcqm_contact peptides_struct vit_base; do
  grep -q "^$name: " list.txt || fail "--list lacks $name"
done
grep -q 'SHA-256 is not known here' list.txt || fail "--list does not say what is not known"
refuses "did you mean 'exp'?" "$download" ezp
refuses "say which file" "$download"
refuses "did you mean 'exp'?" "$download" peptides_func ezp  # before anything is fetched
[ ! -e peptide_multi_class_dataset.csv.gz.part ] || fail "one of two names is wrong, and the other one is fetched"
refuses "--url needs --sha256 and --to FILE" "$download" --url "$closed" --to abc
refuses "--url needs --sha256 and --to FILE" "$download" --url "$closed" --sha256 $abc
refuses "is not a SHA-256" "$download" --url "$closed" --sha256 abc --to abc
refuses "excludes" "$download" exp --url "$closed"
refuses "--sha256 goes with --url" "$download" exp --sha256 $abc
refuses "cannot make the directory" "$download" exp --to /dev/null/data
refuses "Failed to connect to 127.0.0.1" "$download" --url "$closed" --sha256 $abc --to abc
[ ! -e abc ] && [ ! -e abc.part ] || fail "a refused connection leaves a file behind"

printf abc >abc
"$download" --url "$closed" --sha256 ${abc^^} --to abc | grep -q 'was there already' || fail "what is there is fetched"
printf abcd >abc
refuses "is another file" "$download" --url "$closed" --sha256 $abc --to abc
printf abc >peptide_structure_dataset.csv.gz
"$download" peptides_struct >out
grep -q 'nor has a download kept one' out || fail "a checksum of what is there is told as one to compare with"
[ ! -e peptide_structure_dataset.csv.gz.sha256 ] || fail "the checksum of what is there is kept as the right one"
printf abc >PATTERN_v2.zip
refuses "no zip archive" "$download" pattern
echo "all held"
