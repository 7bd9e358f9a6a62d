# Holds launches, lines "kernel threads dynamic_shared permitted_dynamic_shared", to a GPU's rules, with ptxas's words on
# the kernels in the files after the first. -v capability=90 -v most_shared=BYTES of a block.
function complain(what) {
  print "compute capability " capability ", " kernel ": " what
  bad = 1
}

# A few registers outside of the innermost loop may be spilled; a thread of Gram-Schmidt's backward has whole frames, which
# in f64 and seven or eight dimensions are more than there are registers.
function may_spill(kernel, bytes) { return bytes <= 512 || kernel ~ /gram_schmidt_cu.*BackwardIdLi[78]E/ }

FNR == NR {
  ++launches
  launch[launches] = $0
  launched[$1] = 1
  next
}
/Compiling entry function/ {
  split($0, part, "'")
  kernel = part[2]
  arch = substr(part[4], 4) + 0
  kernels[kernel] = 1
  archs[arch] = 1
}
/bytes spill stores/ { spilled[arch, kernel] += $5 + $9 }
/Used [0-9]+ registers/ {
  registers[arch, kernel] = 0
  for (i = 1; i < NF; ++i) {
    if ($i == "Used") registers[arch, kernel] = $(i + 1)
    if ($(i + 1) == "bytes" && $(i + 2) ~ /^smem/) static[arch, kernel] = $i + 0
  }
}
END {
  nearest = 0
  for (arch in archs)
    if (!nearest || (arch - capability) ^ 2 < (nearest - capability) ^ 2) nearest = arch
  for (i = 1; i <= launches; ++i) {
    split(launch[i], part, " ")
    kernel = part[1]
    threads = part[2]
    dynamic = part[3]
    permitted = part[4]
    if (!((nearest, kernel) in registers)) {
      complain("the compiler has said nothing about it")
      continue
    }
    own = static[nearest, kernel] + 0
    if (dynamic > 0) own = int((own + 255) / 256) * 256  # dynamic shared memory begins at a multiple of 256
    if (threads > 1024) complain("a block of " threads " threads")
    used = int((registers[nearest, kernel] + 7) / 8) * 8 * int((threads + 31) / 32) * 32
    if (used > 65536) complain(threads " threads of " registers[nearest, kernel] " registers")
    if (own + dynamic > 49152 && permitted < dynamic) complain(own " + " dynamic " bytes of shared memory, not permitted")
    if (own + (permitted > dynamic ? permitted : dynamic) > most_shared && own + dynamic > 49152)
      complain(own " + " dynamic " (permitted: " permitted ") bytes of shared memory, of " most_shared)
  }
  for (kernel in kernels) {
    ++all
    if (static[nearest, kernel] > 49152) complain(static[nearest, kernel] " bytes of static shared memory")
    if (!may_spill(kernel, spilled[nearest, kernel] + 0)) complain("stores and loads " spilled[nearest, kernel] " spilled bytes")
    if (kernel in launched) ++seen
    if (registers[nearest, kernel] > most) most = registers[nearest, kernel]
  }
  print "compute capability " capability ", by sm_" nearest ": " launches " launches of " seen + 0 " of " all + 0 \
    " kernels, at most " most + 0 " registers"
  exit bad || !seen
}
