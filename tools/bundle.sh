#!/usr/bin/env bash
# Packs the programs, with the libraries they need, into one folder that runs on a machine with nothing but a driver:
#
#   bazel run //tools:bundle -- FOLDER [--without-cuda-libraries] [--data FILE]... [--archive]
#
# FOLDER/train, FOLDER/gpu_suite and so on start the programs. CUDA's libraries (cuBLASLt) are packed too, unless
# --without-cuda-libraries says that they are to be found there: in CUDA_HOME, on the loader's paths, or in NVIDIA's Python
# wheels. The system's C library is used where it is as new as this machine's, else the one that is packed. FILEs go to
# FOLDER/data, where gpu_suite looks for GRAPHSAT.pkl. --archive also writes FOLDER.tar.xz, a third of its size, which
# `tar xf` unpacks.
set -euo pipefail
usage() {
  sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}
absolute() {
  case $1 in /*) echo "$1" ;; *) echo "${BUILD_WORKING_DIRECTORY:-$PWD}/$1" ;; esac
}
folder= cuda_libraries=yes data=() archive=
while [ $# -gt 0 ]; do
  case $1 in
    --without-cuda-libraries) cuda_libraries= ;;
    --archive) archive=yes ;;
    --data) [ $# -ge 2 ] || usage; data+=("$(absolute "$2")"); shift ;;
    -*) usage ;;
    *) [ -z "$folder" ] || usage; folder=$(absolute "$1") ;;
  esac
  shift
done
[ -n "$folder" ] || usage
[ -z "$archive" ] || archive=$folder.tar.xz
for made in "$folder" "${archive:-$folder}"; do
  [ ! -e "$made" ] || { echo "bundle: $made exists already" >&2; exit 1; }
done

part=$folder.part
rm -rf "$part"
mkdir -p "$part/lib" "$part/libc" "$part/tests/goldens"
trap 'rm -rf "$part"' EXIT
strip -o "$part/orbit" tools/orbit
cp -L tests/gpu_suite.sh "$part/tests/"
cp -L tests/goldens/*.safetensors "$part/tests/goldens/"
if [ ${#data[@]} -gt 0 ]; then
  mkdir "$part/data"
  cp -L "${data[@]}" "$part/data/"
fi

libraries=$(ldd "$part/orbit" | sed -nE 's/.* => (\/[^ ]+) .*/\1/p; s/^\t(\/[^ ]+ld-linux[^ ]*) .*/\1/p' | sort -u)
for library in $libraries; do
  case $(basename "$library") in
    ld-linux* | libc.so* | libm.so* | libpthread.so* | libdl.so* | librt.so* | libresolv.so*) cp -L "$library" "$part/libc/" ;;
    libcuda.so*) ;; # the driver's
    *) cp -L "$library" "$part/lib/" ;;
  esac
done
if [ -n "$cuda_libraries" ]; then
  for home in ${CUDA_HOME:-} /usr/local/cuda; do
    for library in "$home"/lib64/libcublasLt.so.*[0-9]; do
      [ ! -e "$library" ] || [ -e "$part/lib/$(basename "$library")" ] || cp -P "$library" "$part/lib/"
    done
  done
  ls "$part"/lib/libcublasLt.so.* >/dev/null 2>&1 ||
    { echo "bundle: no libcublasLt.so in CUDA_HOME or /usr/local/cuda; --without-cuda-libraries leaves it out" >&2; exit 1; }
fi

cat >"$part/run" <<'RUN'
#!/bin/sh
# run PROGRAM ARGUMENT...: a program of this folder with its libraries; the folder's other commands are links to it.
here=$(cd "$(dirname "$0")" && pwd)
name=$(basename "$0")
if [ "$name" = run ] && [ $# -gt 0 ]; then name=$1; shift; fi
if [ "$name" = gpu_suite ]; then exec bash "$here/tests/gpu_suite.sh" "$here/run" "$here/tests/goldens" "$@"; fi
system=$(ldd --version 2>/dev/null | sed -nE '1s/.* ([0-9]+\.[0-9]+)$/\1/p')
packed=$(cat "$here/libc/version")
newest=$(printf '%s\n%s\n' "$system" "$packed" | sort -V | tail -n 1)
if [ -n "$system" ] && [ "$newest" = "$system" ]; then
  LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$here/orbit" "$name" "$@"
fi
exec "$here"/libc/ld-linux-*.so.2 --library-path "$here/libc:$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
  "$here/orbit" "$name" "$@"
RUN
ldd --version | sed -nE '1s/.* ([0-9]+\.[0-9]+)$/\1/p' >"$part/libc/version"
chmod +x "$part/run"
for name in $("$part/run" --list | grep -v _test) gpu_suite; do ln -s run "$part/$name"; done
mv "$part" "$folder"
trap - EXIT
echo "$folder: $(du -sm "$folder" | cut -f 1) MB"
if [ -n "$archive" ]; then
  trap 'rm -f "$archive.part"' EXIT
  XZ_OPT=-6T0 tar -C "$(dirname "$folder")" -cJf "$archive.part" "$(basename "$folder")"
  mv "$archive.part" "$archive"
  echo "$archive: $(du -sm "$archive" | cut -f 1) MB"
fi
