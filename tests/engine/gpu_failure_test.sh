#!/usr/bin/env bash
# gpu_failure_test.sh TRAIN DRIVER TRAIN_ON_FAKE_GPU CUBLASLT: what training says and leaves behind when there is no GPU,
# no driver that serves, or a GPU that fails. In the place of the driver, and then of CUDA's runtime library, are the
# fakes of fake_gpu/. Without arguments (a build without CUDA) there is nothing to hold.
[ $# -gt 0 ] || { echo "no CUDA in this build"; exit 0; }
train=$PWD/$1 driver=$PWD/$2 train_on_fake_gpu=$PWD/$3 cublaslt=$PWD/$4
. tests/tools/testing.sh
mkdir -p driver cuda/lib64

run() { # PROGRAM RUN ARGUMENT...: leaves the status
  local program=$1 directory=$2
  shift 2
  rm -rf "$directory"
  status=0
  timeout -k 5 60 "$program" --set run.directory="$directory" --set data.train=20 --set data.valid=4 --set data.test=4 \
    --set train.batch=4 --set train.samples=1 "${small_model[@]}" --set evaluation.samples=1 \
    --set evaluation.every=1 --set evaluation.test_samples=1 --set train.steps=20 "$@" >out 2>err || status=$?
}
says() { grep -qF -- "$1" err || fail "no '$1'"; }

echo "--- no driver, one that finds no GPU, one that is too old: the processor computes, and it is said why"
cp "$driver" driver/libcuda.so.1
computes() { # REASON, a regular expression
  [ "$status" = 0 ] || fail "status $status"
  grep -qE "^no GPU \($1\): computing on the processor" err || fail "it is not said why"
  grep -q "^test mse" out || fail "no result"
}
mkdir none
: >none/libcuda.so.1 # which cannot be loaded
LD_LIBRARY_PATH=$work/none run "$train" no_driver
computes "there is no NVIDIA driver"
export LD_LIBRARY_PATH=$work/driver
run "$train" no_gpu
computes "the driver finds no GPU"
FAKE_DRIVER_VERSION=11080 run "$train" old_driver
computes "the NVIDIA driver is for CUDA 11\.8, this build needs [0-9.]+"
FAKE_DRIVER_VERSION=11080 run "$train" refused --device cuda
[ "$status" = 1 ] || fail "--device cuda without a driver: status $status"
says "no cuda here: the NVIDIA driver is for CUDA 11.8, this build needs 1"

echo "--- a GPU that cannot be used is not passed over"
FAKE_DRIVER_INIT=999 run "$train" unknown
[ "$status" = 1 ] || fail "status $status"
says "there may be a GPU, but CUDA fails: unknown error (cudaErrorUnknown)"
says "--device cpu"
FAKE_DRIVER_INIT=999 run "$train" on_the_processor --device cpu
[ "$status" = 0 ] || fail "--device cpu asks for a GPU: status $status"
unset LD_LIBRARY_PATH

echo "--- a GPU that works"
for major in 12 13; do cp "$cublaslt" cuda/lib64/libcublasLt.so.$major; done
export CUDA_HOME=$work/cuda
run "$train_on_fake_gpu" works
[ "$status" = 0 ] || fail "status $status"
says "on cuda:0 (Fake GPU, compute capability 7.5, 4 GiB)"
CUDA_HOME='' LD_LIBRARY_PATH=$work/cuda/lib64 run "$train_on_fake_gpu" works_too
[ "$status" = 0 ] || fail "cuBLASLt on the loader's paths is not found: status $status"
FAKE_GPU_DRIVER=0 FAKE_GPU_FOUND=35 run "$train_on_fake_gpu" without
computes "there is no NVIDIA driver"

echo "--- products that cuBLASLt does not do: unfused, then by a kernel of our own; but not where it fails"
takes() { # SETTING: training goes on
  export "${1?}"
  run "$train_on_fake_gpu" refused
  unset "${1%%=*}"
  [ "$status" = 0 ] || fail "$1: status $status"
}
not_supported=15 invalid_value=7 architecture_mismatch=8 execution_failed=13
for refusal in FUSED=$not_supported FUSED=$invalid_value NO_FUSED=1 PLAIN=$not_supported PRODUCT=$not_supported \
  PRODUCT=$architecture_mismatch; do
  takes "FAKE_CUBLASLT_$refusal"
done
FAKE_CUBLASLT_PRODUCT=$execution_failed run "$train_on_fake_gpu" fails
[ "$status" = 1 ] || fail "a product that fails: status $status"
says "cuBLASLt, product: "
FAKE_CUBLASLT_PLAIN=$invalid_value run "$train_on_fake_gpu" fails
[ "$status" = 1 ] || fail "a product that is called wrongly: status $status"
says "cuBLASLt, heuristic: "

CUDA_HOME='' ORBIT_WITHOUT=cublaslt,transformer_layer_on_chip run "$train_on_fake_gpu" without_cublaslt
[ "$status" = 0 ] || fail "without cuBLASLt: status $status"
ORBIT_WITHOUT=cublas run "$train_on_fake_gpu" misspelt
[ "$status" = 1 ] || fail "another library left out: status $status"
says "ORBIT_WITHOUT: there is no 'cublas'; known are attention_tensor_core, transformer_layer_on_chip, cublaslt, cublaslt_epilogues, attention_wgmma, timed_matmul"

echo "--- a GPU of another architecture"
FAKE_GPU_LAUNCH=209 run "$train_on_fake_gpu" architecture
[ "$status" = 1 ] || fail "status $status"
grep -qE 'train: error: [A-Za-z]+.* on cuda:0 \(Fake GPU, compute capability 7\.5, 4 GiB\): no kernel image' err || fail "which device?"
grep -qE 'This build is for sm_[0-9a-z/_]+; --//third_party/cuda:archs=75 builds it for this GPU' err || fail "which architectures?"

echo "--- out of memory: 16 MiB are the staging ring's, little is left"
FAKE_GPU_MEMORY=16800000 run "$train_on_fake_gpu" memory
[ "$status" = 1 ] || fail "status $status"
grep -qE 'train: error: out of memory on cuda:0 \(Fake GPU, compute capability 7\.5, 4 GiB\).*: asked for [0-9]+ bytes' err || fail "which device?"

echo "--- a fault in a kernel: found later, told as that; the checkpoint of before is whole"
# In some step after the first checkpoint, which is written beside training.
FAKE_GPU_FAULT=700:fault/last.safetensors run "$train_on_fake_gpu" fault --set train.steps=200
[ "$status" = 1 ] || fail "status $status"
grep -qE 'train: error: .+ on cuda:0 \(Fake GPU, compute capability 7\.5, 4 GiB\): an illegal memory access' err ||
  fail "what, where?"
says "That is where it was found"
says "CUDA_LAUNCH_BLOCKING=1"
says "compute-sanitizer"
grep -qE 'failed after step [0-9]+ of 200; .*fault/last\.safetensors is of before, and --resume .*fault goes on' err || fail "what now?"
[ "$(find fault -name '*.part' -o -name '*.tmp' | wc -l)" = 0 ] || fail "$(ls fault)"
status=0
# There, too: of a GPU that computes nothing the processor has other data, and would refuse to go on.
"$train_on_fake_gpu" --resume fault >out 2>err || status=$?
[ "$status" = 0 ] || fail "it cannot be resumed: status $status"
grep -qE 'resuming .* steps [1-9][0-9]* to 200' err || fail "resumed from another step"
echo "all held"
