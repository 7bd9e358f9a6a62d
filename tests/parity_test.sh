#!/usr/bin/env bash
# All recorded cases beside this file, and, where the folder ../shared/goldens is at hand, those too large to be here.
set -euo pipefail
parity=$1
"$parity" tests/goldens
"$parity" --dtype f32 tests/goldens
more=${ORBIT_GOLDENS:-}
if [ -n "$more" ]; then "$parity" "$more"; fi
