"""Kernels for GPUs: one source, compiled for CUDA and for the emulator."""

load("//kernels/simt:variants.bzl", "KERNEL_COPTS", "SIMT_VARIANTS")
load("//third_party/cuda:cuda_library.bzl", "cuda_library")

def gpu_kernel_library(name, hdrs = [], deps = [], calls = [], parts = [], part_of = None, cuda_deps = [], archs = ""):
    """The kernels of NAME.cu, which //kernels:NAME declares; `calls` names other kernels here that its launchers call;
    `parts` are libraries of its own, each of which says that it is `part_of` this one and is declared in `hdrs`;
    `cuda_deps` are what it takes with nvcc alone; `archs` are those of its own, where it uses what others do not have.

    Makes NAME, by nvcc, for the tag Cuda (empty where CUDA is off), and for the tag Simt NAME_simt, NAME_simt_asan and
    NAME_simt_tsan, of which a program can have one kind.
    """
    declared = ["//kernels:" + kernel for kernel in [part_of or name] + calls]
    calls = calls + parts
    cuda_library(
        name = name,
        srcs = [name + ".cu"],
        hdrs = hdrs,
        archs = archs,
        deps = declared + deps + cuda_deps + [":gpu", ":runtime"] + [":" + call for call in calls],
    )
    for suffix, variant in SIMT_VARIANTS.items():
        native.cc_library(
            name = "%s_%s" % (name, suffix),
            srcs = ["//kernels/simt:kernel.cc"],
            copts = KERNEL_COPTS + variant.copts,
            local_defines = ['ORBIT_KERNEL=\\"%s/%s.cu\\"' % (native.package_name(), name)],
            textual_hdrs = [name + ".cu"] + hdrs,
            deps = declared + deps + [":gpu", "//kernels/simt:" + suffix] + [":%s_%s" % (call, suffix) for call in calls],
        )

def kernel_figures(name):
    """The files with the compiler's figures (cuda_library.bzl) of all libraries of CUDA sources above it in the package."""
    native.filegroup(
        name = name,
        srcs = [":" + rule for rule, attributes in native.existing_rules().items() if attributes["kind"] == "cuda_library"],
        output_group = "figures",
    )
