"""Libraries of CUDA sources, compiled by nvcc; they are empty if CUDA is off (//third_party/cuda:enabled)."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")
load("@cuda//:toolkit.bzl", "CUDA_INCLUDE", "CUDA_IS_FOUND", "CUDA_VERSION", "NVCC")

# Device code is compressed to a fifth of its size or, where older drivers must read it, to a quarter.
_COMPRESSED = "--compress-mode=size" if CUDA_VERSION and int(CUDA_VERSION.split(".")[0]) >= 13 else "-Xfatbin=-compress-all"

# Runs a command and keeps what ptxas says of every kernel, its registers, shared memory and spills, in a file; whatever
# else is said is shown.
_COMPILE = """
figures=$1
shift
"$@" -Xptxas -v 2>"$figures.all" || { cat "$figures.all" >&2; exit 1; }
ours='^ptxas info|bytes stack frame'
grep -E "$ours" "$figures.all" >"$figures" || :
grep -vE "$ours" "$figures.all" >&2 || :
rm "$figures.all"
"""

def _targets(archs, with_ptx):
    """Machine code for each of "90a,80" and, for GPUs to come, PTX of the highest without its architecture's extras."""
    archs = [arch.strip() for arch in archs.split(",") if arch.strip()]
    flags = ["-gencode=arch=compute_%s,code=sm_%s" % (arch, arch) for arch in archs]
    flags.append("-DORBIT_CUDA_ARCHS=" + "/".join(["sm_" + arch for arch in archs]))  # in messages
    portable = sorted([int(arch.rstrip("af")) for arch in archs])[-1]
    return flags + (["-gencode=arch=compute_%d,code=compute_%d" % (portable, portable)] if with_ptx else [])

def _cuda_library_impl(ctx):
    headers = CcInfo(compilation_context = cc_common.create_compilation_context(headers = depset(ctx.files.hdrs)))
    merged = cc_common.merge_cc_infos(cc_infos = [headers] + [dep[CcInfo] for dep in ctx.attr.deps])
    if not ctx.attr._enabled[BuildSettingInfo].value:
        return [CcInfo(compilation_context = merged.compilation_context)]
    if not CUDA_IS_FOUND:
        fail("CUDA is asked for (--//third_party/cuda:enabled), but no toolkit is found: set CUDA_HOME")
    toolchain = find_cpp_toolchain(ctx)
    context = merged.compilation_context
    objects, figures = [], []
    for source in ctx.files.srcs:
        object = ctx.actions.declare_file("_cuda/%s/%s.o" % (ctx.label.name, source.basename))
        arguments = ctx.actions.args()
        arguments.add_all(["-ccbin", toolchain.compiler_executable, "-std=c++20", "-O3", "-lineinfo", "-Xcompiler=-fPIC,-Wall"])
        arguments.add_all(["--expt-relaxed-constexpr", "--extended-lambda", "-Xcudafe=--diag_suppress=20012"])
        arguments.add(_COMPRESSED)
        arguments.add_all(_targets(ctx.attr.archs or ctx.attr._archs[BuildSettingInfo].value, with_ptx = not ctx.attr.archs))
        arguments.add_all(context.quote_includes, before_each = "-I")
        arguments.add_all(context.includes, before_each = "-I")
        arguments.add_all(context.system_includes, before_each = "-isystem")
        arguments.add_all(CUDA_INCLUDE, before_each = "-isystem")
        arguments.add_all(context.defines, before_each = "-D")
        arguments.add_all(ctx.attr.copts)
        arguments.add_all(["-c", source, "-o", object])
        figure = ctx.actions.declare_file("_cuda/%s/%s.figures" % (ctx.label.name, source.basename))
        ctx.actions.run_shell(
            command = _COMPILE,
            arguments = [figure.path, NVCC, arguments],
            inputs = depset([source, ctx.file._version], transitive = [context.headers]),
            outputs = [object, figure],
            env = {"PATH": "/usr/bin:/bin"},
            mnemonic = "CudaCompile",
            progress_message = "Compiling %s by nvcc" % source.short_path,
        )
        objects.append(object)
        figures.append(figure)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    linking_context, _ = cc_common.create_linking_context_from_compilation_outputs(
        actions = ctx.actions,
        name = ctx.label.name,
        feature_configuration = features,
        cc_toolchain = toolchain,
        compilation_outputs = cc_common.create_compilation_outputs(
            objects = depset(objects),
            pic_objects = depset(objects),
        ),
        linking_contexts = [merged.linking_context],
        disallow_dynamic_library = True,
    )
    return [
        DefaultInfo(files = depset(objects)),
        OutputGroupInfo(figures = depset(figures)),
        CcInfo(compilation_context = context, linking_context = linking_context),
    ]

cuda_library = rule(
    implementation = _cuda_library_impl,
    doc = """Compiles each of `srcs` by nvcc; whatever a source includes comes from `hdrs` and `deps`.

The output group `figures` has the compiler's words on every kernel.""",
    attrs = {
        "srcs": attr.label_list(allow_files = [".cu"]),
        "hdrs": attr.label_list(allow_files = True),
        "deps": attr.label_list(providers = [CcInfo]),
        "copts": attr.string_list(),
        "archs": attr.string(doc = "such as 90a, instead of //third_party/cuda:archs, for what no other GPU has: without PTX"),
        "_archs": attr.label(default = "//third_party/cuda:archs"),
        "_enabled": attr.label(default = "//third_party/cuda:enabled"),
        "_version": attr.label(default = "@cuda//:version", allow_single_file = True),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
