"""Tests of readers by libFuzzer: clang compiles what they depend on once more, with AddressSanitizer and coverage. Kernels,
which only convert numbers here, are linked as they are."""

_FLAGS = ["-std=c++20", "-O1", "-g", "-fopenmp", "-fno-omit-frame-pointer", "-Wno-unused-command-line-argument"]

_Instrumented = provider(fields = {"objects": "a depset of object files"})

def _instrument_impl(target, ctx):
    objects = []
    if target.label.package.startswith("kernels"):
        return [_Instrumented(objects = depset())]
    sources = getattr(ctx.rule.files, "srcs", [])
    context = target[CcInfo].compilation_context
    for source in sources:
        if source.extension != "cc" or target.label.workspace_name:
            continue
        result = ctx.actions.declare_file("_fuzz/%s/%s.o" % (target.label.name, source.basename))
        arguments = ctx.actions.args()
        arguments.add_all(_FLAGS + ["-fsanitize=fuzzer-no-link,address", "-c", source, "-o", result])
        arguments.add_all(context.quote_includes, before_each = "-iquote")
        arguments.add_all(context.includes, before_each = "-I")
        arguments.add_all(context.system_includes, before_each = "-isystem")
        arguments.add_all([define for define in context.defines.to_list() if define != "ORBIT_CUDA"], before_each = "-D")
        ctx.actions.run(
            executable = "/usr/bin/clang++",
            arguments = [arguments],
            inputs = depset(sources, transitive = [context.headers]),
            outputs = [result],
            mnemonic = "FuzzCompile",
            progress_message = "Compiling %s for fuzzing" % source.short_path,
        )
        objects.append(result)
    dependencies = [dep[_Instrumented].objects for dep in getattr(ctx.rule.attr, "deps", []) if _Instrumented in dep]
    return [_Instrumented(objects = depset(objects, transitive = dependencies))]

_instrument = aspect(implementation = _instrument_impl, attr_aspects = ["deps"])

def _is_host_kernel(label):
    """Whether a library is of kernels for the processor or the emulator."""
    return label.package.startswith("kernels") and (label.package != "kernels/cuda" or label.name.endswith("_simt"))

def _fuzz_binary_impl(ctx):
    binary = ctx.actions.declare_file(ctx.label.name)
    objects = ctx.attr.library[_Instrumented].objects
    linker_inputs = ctx.attr.library[CcInfo].linking_context.linker_inputs.to_list()
    archives = []
    for linker_input in linker_inputs:
        if _is_host_kernel(linker_input.owner):
            archives += [library.pic_static_library or library.static_library for library in linker_input.libraries]
    arguments = ctx.actions.args()
    arguments.add_all(_FLAGS + ["-fsanitize=fuzzer,address", "-o", binary])
    arguments.add_all(objects)
    arguments.add("-Wl,--start-group")
    arguments.add_all(archives)
    arguments.add("-Wl,--end-group")
    arguments.add_all([flag for linker_input in linker_inputs for flag in linker_input.user_link_flags], uniquify = True)
    ctx.actions.run(
        executable = "/usr/bin/clang++",
        arguments = [arguments],
        inputs = depset(archives, transitive = [objects]),
        outputs = [binary],
        mnemonic = "FuzzLink",
    )
    return [DefaultInfo(files = depset([binary]), runfiles = ctx.runfiles(files = [binary]))]

_fuzz_binary = rule(
    implementation = _fuzz_binary_impl,
    attrs = {
        "library": attr.label(aspects = [_instrument], providers = [CcInfo]),
        "_clang": attr.label(default = "@clang//:library"),
    },
)

def fuzz_test(name, corpus, deps, dictionary = None):
    """Runs NAME.cc, which defines LLVMFuzzerTestOneInput, on the seeds of `corpus` and on what libFuzzer makes of them."""
    native.cc_library(
        name = name + "_target",
        testonly = True,
        srcs = [name + ".cc"],
        tags = ["manual"],  # compiled by clang alone
        deps = deps + [":fuzz"],
    )
    _fuzz_binary(
        name = name + "_binary",
        testonly = True,
        library = ":%s_target" % name,
    )
    dictionaries = [dictionary] if dictionary else []
    native.sh_test(
        name = name,
        size = "small",
        srcs = ["run_fuzzer.sh"],
        args = ["$(location :%s_binary)" % name, corpus] + dictionaries,
        data = [":%s_binary" % name] + native.glob(["corpus/%s/*" % corpus]) + dictionaries,
    )
