# What tests of programs begin with, once they have the paths of their programs: a folder of the test's own to work in,
# away from the user's settings and caches.
set -euo pipefail
work=$(mktemp -d "${TEST_TMPDIR:-/tmp}/XXXXXX")
cd "$work"
export ORBIT_CACHE=$work/cache
unset BUILD_WORKING_DIRECTORY ORBIT_EXP TEST_UNDECLARED_OUTPUTS_DIR
unset http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY

# With what the last program left in the files `out` and `err`, where it did.
fail() {
  echo "FAILED: $*" >&2
  for file in out err; do
    if [ -s "$file" ]; then sed "s/^/$file: /" "$file" >&2; fi
  done
  exit 1
}

# Runs a command that must fail with one clear message that contains the text, and no crash.
refuses() {
  local text=$1 status=0
  shift
  "$@" >refused.out 2>refused.err || status=$?
  [ "$status" != 0 ] || fail "not refused: $*"
  [ "$status" -lt 128 ] || fail "crashed with $status: $*"
  grep -qF -- "$text" refused.err || { cat refused.err >&2; fail "no '$text' from: $*"; }
}

# A model of particles that takes no time.
small_model=(--set model.transformer.layers=1 --set model.transformer.width=16 --set model.transformer.heads=2
  --set model.network.hidden=12)

# Whether the last checkpoints of two runs have the same tensors. These follow a header, which keeps the run's directory.
same_bits() { cmp <(tensors_of "$1/last.safetensors") <(tensors_of "$2/last.safetensors"); }
tensors_of() { tail -c +"$((9 + $(head -c 8 "$1" | od -An -tu8)))" "$1"; }
# A run's losses, step by step.
losses() { grep -o '"train/loss":[0-9.e-]*' "$1/metrics.jsonl" | cut -d: -f2; }
# same_losses RUN OTHER STEPS: whether the losses of the first steps, logged one by one, agree to rounding.
same_losses() {
  paste <(losses "$1") <(losses "$2") | head -n "$3" |
    awk -v steps="$3" '($1 - $2) ^ 2 > (1e-3 * $1) ^ 2 { other = 1 } END { exit other || NR != steps }'
}
