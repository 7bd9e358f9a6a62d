#!/usr/bin/env bash
# The README's example is the one that is compiled here, and it learns.
set -euo pipefail
example=$1 source=$2 readme=$3
"$example"
code=$(sed -n '/^```cpp$/,/^```$/p' "$readme" | sed '1d;$d')
if [ "$code" != "$(cat "$source")" ]; then
  echo "README.md does not show $source as it is" >&2
  exit 1
fi
