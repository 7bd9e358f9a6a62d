#!/usr/bin/env bash
# tables_test.sh TABLE README: below a line <!-- table ARGUMENTS --> the README has what `table ARGUMENTS` prints from
# the results that are kept in tools/results.
set -euo pipefail
table=$1 readme=$2
count=0
while read -r line; do
  read -ra arguments <<<"$line"
  shown=$(awk -v mark="<!-- table $line -->" '$0 == mark { on = 1; next } on && !/^\|/ { exit } on' "$readme")
  printed=$("$table" "${arguments[@]}" --markdown | grep '^|')
  if [ "$shown" != "$printed" ]; then
    echo "README.md does not show what \`table $line --markdown\` prints:" >&2
    diff <(echo "$shown") <(echo "$printed") >&2 || true
    exit 1
  fi
  count=$((count + 1))
done < <(sed -nE 's/^<!-- table (.*) -->$/\1/p' "$readme")
[ "$count" -ge 3 ] || { echo "README.md has $count tables" >&2; exit 1; }
