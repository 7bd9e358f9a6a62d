#!/usr/bin/env bash
# parity_test.sh PARITY DEVICE: all recorded cases beside this file, and, where the folder ../shared/goldens is at hand,
# those too large to be here.
set -euo pipefail
parity=$1 device=$2
"$parity" --device "$device" tests/goldens
"$parity" --device "$device" --dtype f32 tests/goldens
more=${ORBIT_GOLDENS:-}
if [ -n "$more" ]; then "$parity" --device "$device" "$more"; fi
