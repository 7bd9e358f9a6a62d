"""The emulator and what runs on it come in three variants: plain, with AddressSanitizer, with ThreadSanitizer."""

_INSTRUMENTED = ["-O1", "-g", "-fno-omit-frame-pointer"]

# By suffix of the target's name: ORBIT_SIMT_SANITIZER, flags to compile instrumented code, flags to link.
SIMT_VARIANTS = {
    "simt": struct(sanitizer = "ORBIT_SIMT_NONE", copts = [], linkopts = []),
    "simt_asan": struct(
        sanitizer = "ORBIT_SIMT_ASAN",
        copts = _INSTRUMENTED + ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
        linkopts = ["-fsanitize=address,undefined"],
    ),
    "simt_tsan": struct(
        sanitizer = "ORBIT_SIMT_TSAN",
        copts = _INSTRUMENTED + ["-fsanitize=thread"],
        linkopts = ["-fsanitize=thread"],
    ),
}

def simt_library(name):
    """The emulator for the kernels and tests of each variant. The emulator itself is not instrumented."""
    variant = SIMT_VARIANTS[name]
    native.cc_library(
        name = name,
        srcs = [
            "fiber.cc",
            "fiber.h",
            "launch.cc",
            "matrix.cc",
            "sanitizer.cc",
            "sanitizer.h",
            "schedule.cc",
            "shared_memory.cc",
            "shared_memory.h",
            "warp.cc",
        ],
        hdrs = [
            "cuda.h",
            "launch.h",
            "matrix.h",
            "schedule.h",
            "warp.h",
        ],
        copts = ["-fno-strict-aliasing"],
        linkopts = variant.linkopts,
        local_defines = ["ORBIT_SIMT_SANITIZER=" + variant.sanitizer],
        alwayslink = True,  # the sanitizers' options
        deps = [
            ":recording",
            "//third_party:boost_context",
        ],
    )

# Flags for device code, in which reinterpreted pointers are common. Unset registers are filled with a pattern.
KERNEL_COPTS = ["-fno-strict-aliasing", "-ftrivial-auto-var-init=pattern", "-Wno-unknown-pragmas", "-Wno-psabi"]
