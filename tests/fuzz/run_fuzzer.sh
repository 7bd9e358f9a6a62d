#!/usr/bin/env bash
# run_fuzzer.sh BINARY CORPUS [DICTIONARY]: fuzzes for ten seconds. For longer:
#   bazel test //tests/fuzz:pickle_fuzz --test_env=SECONDS_TO_FUZZ=600 --test_timeout=900
# An input that fails is left among the test's undeclared outputs; once repaired, it belongs in the corpus.
set -euo pipefail
binary=$1 corpus=tests/fuzz/corpus/$2 dictionary=${3:+tests/fuzz/$3}
found=${TEST_TMPDIR:-$(mktemp -d)}/found
mkdir -p "$found"
# Leaks are looked for by fuzz.cc: LeakSanitizer needs ptrace, which many containers forbid.
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16:allocator_may_return_null=0
exec "$binary" -seed=1 -runs=2000000 -max_total_time="${SECONDS_TO_FUZZ:-10}" -timeout=5 -rss_limit_mb=1024 \
  -malloc_limit_mb=64 -max_len=20000 -detect_leaks=0 -print_final_stats=1 ${dictionary:+-dict="$dictionary"} \
  -artifact_prefix="${TEST_UNDECLARED_OUTPUTS_DIR:-$found}/" "$found" "$corpus"
