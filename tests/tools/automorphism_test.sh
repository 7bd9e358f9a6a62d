#!/usr/bin/env bash
# The program automorphism as its users call it.
automorphism=$PWD/$1
. tests/tools/testing.sh

"$automorphism" --samples 20 --seed 1 --out figure.svg >told.txt
head -n 1 figure.svg | grep -q '^<svg ' || fail "no SVG is drawn"
[ "$(tail -n 1 figure.svg)" = "</svg>" ] || fail "the SVG is not whole"
[ "$(grep -c '<circle' figure.svg)" = $((3 * (4 * 7 + 25))) ] || fail "not every node is drawn in every row"
for graph in asymmetric star two_hubs cycle grid; do
  grep -q ">$graph<" figure.svg || fail "$graph is not drawn"
  grep -q "^$graph " told.txt || fail "$graph is not told of"
done
tail -n 1 told.txt | grep -qE '^largest difference within an orbit: PS 0\.[0-9]+, canonicalization 0\.[0-9]+$' ||
  fail "the last line is $(tail -n 1 told.txt)"
awk '/^largest difference within/ { exit !($7 + 0 < $9 / 2) }' told.txt || fail "PS is no better: $(tail -n 1 told.txt)"

"$automorphism" --samples 20 --seed 1 --threads 1 --out again.svg >/dev/null
cmp figure.svg again.svg || fail "the figure depends on the threads"
"$automorphism" --samples 20 --seed 2 --out other.svg >/dev/null
! cmp -s figure.svg other.svg || fail "another seed draws the same"

for wrong in "--samples 1" "--samples many" "--out nowhere/figure.svg" "--device abacus"; do
  status=0
  # shellcheck disable=SC2086
  "$automorphism" $wrong >/dev/null 2>refused.txt || status=$?
  [ "$status" != 0 ] && [ "$status" -lt 128 ] && [ -s refused.txt ] || fail "$wrong is not refused"
done
echo "all held"
