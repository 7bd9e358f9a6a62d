#!/usr/bin/env bash
# Lists every target whose visibility lets an arrow point back (layers.bzl), and every public one; there is none.
set -euo pipefail
failed=0
for answer in tests/layers/*_sees; do
  [ ! -s "$answer" ] || { echo "visible where it should not be, $(basename "$answer"):" && cat "$answer" && failed=1; }
done
exit $failed
