"""Tests of kernels for GPUs: under the emulator plain, with AddressSanitizer and with ThreadSanitizer, and on a GPU."""

load("//kernels/simt:variants.bzl", "KERNEL_COPTS", "SIMT_VARIANTS")
load("//tests:bundled_test.bzl", "bundled_test")

def simt_program_test(name, variant, srcs, deps, size = "medium", **kwargs):
    """A test with what `variant` of the emulator asks for; `srcs` may have kernels of their own."""
    flags = SIMT_VARIANTS[variant]
    arguments = dict(
        srcs = srcs,
        copts = KERNEL_COPTS + flags.copts,
        local_defines = ["ORBIT_SIMT_SANITIZER=" + flags.sanitizer] + ["%s=%d" % (other.sanitizer, i) for i, other in enumerate(SIMT_VARIANTS.values())],
        linkstatic = True,
        deps = deps + ["//kernels/simt:" + variant, "//third_party:googletest"],
        **kwargs
    )
    if variant != "simt_tsan":
        native.cc_test(name = name, size = size, tags = ["simt"], **arguments)
        return

    # GCC 12's ThreadSanitizer knows some layouts of memory only: the addresses are the same ones every time.
    native.cc_binary(name = name + "_program", testonly = True, **arguments)
    native.sh_test(
        name = name,
        size = size,
        srcs = ["//tests/kernels/simt:run_with_fixed_addresses.sh"],
        args = ["$(location :%s_program)" % name],
        data = [":%s_program" % name],
        tags = ["simt"],
    )

def gpu_kernel_test(name, kernels, deps = [], size = "medium"):
    """NAME_test.cc: as NAME_simt_test, NAME_simt_asan_test and NAME_simt_tsan_test, and as NAME_cuda_test on a GPU.

    `kernels` are names of //kernels/cuda. Without a GPU NAME_cuda_test says so and has nothing to do.
    """
    declared = ["//kernels:" + kernel for kernel in kernels]
    for variant in SIMT_VARIANTS:
        simt_program_test(
            name = "%s_%s_test" % (name, variant),
            variant = variant,
            srcs = [name + "_test.cc"],
            size = size,
            deps = declared + deps + ["//tests/kernels/cuda:on_gpu"] + ["//kernels/cuda:%s_%s" % (kernel, variant) for kernel in kernels],
        )
    bundled_test(
        name = name + "_cuda_test",
        size = size,
        source = name + "_test.cc",
        srcs = select({
            "//third_party/cuda:is_on": [name + "_test.cc"],
            "//conditions:default": ["//tests/kernels/cuda:without_cuda.cc"],
        }),
        local_defines = ["ORBIT_TEST_CUDA"],
        tags = ["gpu"],
        deps = declared + deps + ["//tests/kernels/cuda:on_gpu", "//third_party/cuda:runtime", "//kernels/cuda:runtime"] +
               ["//kernels/cuda:" + kernel for kernel in kernels],
    )
