#!/usr/bin/env bash
# Runs the program given, with its memory at the same addresses every time where the system allows that.
set -euo pipefail
if setarch "$(uname -m)" -R true 2>/dev/null; then
  exec setarch "$(uname -m)" -R "$@"
fi
exec "$@"
