#!/usr/bin/env bash
# cudnn_attention_graph_test.sh TEST CUDNN: the graphs that describe attention to cuDNN say what attention is. A fake of
# cuDNN computes them on the host, in memory that is not cleared. Both forms of the backward are tried: cuDNN's engines
# know one or the other. Without arguments (a build without CUDA) there is nothing to hold.
[ $# -gt 0 ] || { echo "no CUDA in this build"; exit 0; }
test=$PWD/$1 cudnn=$PWD/$2
. tests/tools/testing.sh
mkdir -p cuda/lib64
cp "$cudnn" cuda/lib64/libcudnn.so.9
export CUDA_HOME=$work/cuda FAKE_GPU_FILL=255
for multiplications in 5 6; do
  status=0
  FAKE_CUDNN_MULTIPLICATIONS=$multiplications "$test" >out 2>&1 || status=$?
  if grep -q "built without cuDNN 9" out; then echo "no cuDNN in this build"; exit 0; fi
  [ "$status" = 0 ] || fail "$multiplications multiplications: $(cat out)"
done
status=0
FAKE_CUDNN_MULTIPLICATIONS=4 "$test" >out 2>&1 || status=$?
[ "$status" != 0 ] && grep -q "none of its engines takes this attention: not supported" out || fail "no word on engines: $(cat out)"
echo "all held"
