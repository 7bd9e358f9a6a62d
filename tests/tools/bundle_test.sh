#!/usr/bin/env bash
# The folder that tools/bundle.sh makes: small, and its programs run with what is in it alone.
most_mb=80 most_archive_mb=25
. tests/tools/testing.sh

bundle() { (cd "$OLDPWD" && BUILD_WORKING_DIRECTORY=$work bash tools/bundle.sh "$@"); }
echo pickled >GRAPHSAT.pkl
bundle orbit --without-cuda-libraries --archive --data GRAPHSAT.pkl
bundle=$work/orbit
megabytes=$(du -sm "$bundle" | cut -f 1)
[ "$megabytes" -lt $most_mb ] || fail "$megabytes MB, of less than $most_mb: $(du -a "$bundle" | sort -n | tail -n 12)"
ls "$bundle"/lib/libcublas* "$bundle"/lib/libcuda* >/dev/null 2>&1 && fail "CUDA's libraries are packed: $(ls "$bundle/lib")"
cmp GRAPHSAT.pkl "$bundle/data/GRAPHSAT.pkl"
mkdir unpacked
tar -C unpacked -xf orbit.tar.xz
diff -r --no-dereference orbit unpacked/orbit || fail "the archive holds something else"
megabytes=$(du -sm orbit.tar.xz | cut -f 1)
[ "$megabytes" -le $most_archive_mb ] || fail "an archive of $megabytes MB, of at most $most_archive_mb"
! bundle orbit 2>/dev/null || fail "a folder that exists is written over"

# From elsewhere than where it was made, and with nothing of this system's but the C library.
mv orbit moved
bundle=$work/moved
du -ah "$bundle" | sort -h | tail -n 8
for program in automorphism bench evaluate generate separate study table train; do
  "$bundle/$program" --help >out || fail "$program --help"
done
grep -q "^Presets:" out || fail "train --help names no presets"
LD_LIBRARY_PATH=$bundle/lib ldd "$bundle/orbit" | sed -n 's/.* => //p' | grep -v "^$bundle/lib/" >foreign || true
! grep -vE '/lib(c|m|pthread|dl|rt|resolv)\.so' foreign || fail "these libraries are the system's"
"$bundle/parity" "$bundle/tests/goldens/nbody_egnn_2x16.safetensors" | tee out
grep -q " ok " out || fail "a recorded case"
small=(--set data.train=8 --set data.valid=4 --set data.test=4 --set train.batch=4 --set train.samples=1
  "${small_model[@]}" --set train.steps=2)
"$bundle/train" --device cpu "${small[@]}" --set run.directory=run >out 2>err || fail "train: $(cat err)"
grep -q "^test mse " out || fail "train says $(cat out)"

# Stopped, it says how to go on from the bundle.
"$bundle/train" --device cpu "${small[@]}" --set train.steps=1000000 --set run.directory=stopped >out 2>err &
process=$!
for _ in $(seq 600); do [ ! -s stopped/last.safetensors ] || break; sleep 0.1; done
kill -TERM $process
status=0
wait $process || status=$?
[ "$status" = 143 ] || fail "SIGTERM gives status $status"
grep -qF "go on with: $bundle/train --resume $work/stopped" err || fail "the way to go on is no command of the bundle"

# The C library that is packed, where the system's is older.
echo 99.0 >"$bundle/libc/version"
"$bundle/parity" "$bundle/tests/goldens/nbody_egnn_2x16.safetensors" >out || fail "nothing runs on the packed C library"

status=0
"$bundle/nonsense" 2>/dev/null || "$bundle/run" nonsense >out 2>&1 || status=$?
[ "$status" = 2 ] && grep -q "no program 'nonsense'" out && grep -q '^train$' out || fail "run nonsense: $status, $(cat out)"

# What it has for a GPU, where there is none.
"$bundle/run" --list >programs
if grep -q _cuda_test programs; then
  "$bundle/run" copy_cuda_test >out 2>&1 || fail "copy_cuda_test: $(cat out)"
  grep -qE 'no GPU here|OK' out || fail "copy_cuda_test: $(cat out)"
  "$bundle/run" warm_step_test >out 2>&1 || fail "warm_step_test: $(cat out)"
fi
if ! ls /dev/nvidia0 >/dev/null 2>&1; then
  "$bundle/gpu_suite" >out || fail "gpu_suite fails where there is no GPU"
  tail -n 1 out | grep -q "^skipped: no cuda here: " || fail "gpu_suite does not say why it has nothing to do"
fi
echo "all held"
