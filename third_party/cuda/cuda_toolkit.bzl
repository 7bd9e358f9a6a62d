"""The CUDA toolkit, found on the system: a repository that is there, but empty, where no toolkit is."""

_LEAST = (12, 4)

# NVIDIA's PyPI wheels put nvcc and the headers and libraries into folders of site-packages/nvidia: one folder for all
# (CUDA 13) or a folder a component (CUDA 12).
_FIND_WHEELS = """
import os, site, sys
for root in sys.path + site.getsitepackages() + [site.getusersitepackages()]:
    nvidia = os.path.join(root, "nvidia")
    if os.path.isdir(nvidia):
        print("\\n".join(os.path.join(nvidia, name) for name in sorted(os.listdir(nvidia), reverse = True)))
"""

def _version(ctx, nvcc):
    """(major, minor), or None where nvcc does not run."""
    result = ctx.execute([nvcc, "--version"])
    _, found, rest = result.stdout.partition("release ")
    numbers = rest.split(",")[0].split(".")
    if result.return_code or not found or len(numbers) < 2:
        return None
    return (int(numbers[0]), int(numbers[1]))

def _candidates(ctx):
    """Lists of folders that together may be a toolkit, the preferred one first."""
    home = ctx.os.environ.get("CUDA_HOME")
    if home:
        return [[home]]
    places = [["/usr/local/cuda"]]
    versions = ctx.execute(["sh", "-c", "ls -d /usr/local/cuda-* 2>/dev/null | sort -rV"]).stdout.split("\n")
    places += [[folder] for folder in versions if folder]
    places.append(["/usr/lib/cuda", "/usr"])  # Debian's nvidia-cuda-toolkit
    python = ctx.which("python3")
    wheels = [folder for folder in ctx.execute([python, "-c", _FIND_WHEELS]).stdout.split("\n") if folder] if python else []
    return places + [[folder] for folder in wheels] + [wheels]

def _find(ctx):
    """A struct that describes the toolkit, or None."""
    for folders in _candidates(ctx):
        nvcc = [folder + "/bin/nvcc" for folder in folders if ctx.path(folder + "/bin/nvcc").exists]
        include = [folder + "/include" for folder in folders if ctx.path(folder + "/include").exists]
        if not nvcc or not [folder for folder in include if ctx.path(folder + "/cuda_runtime.h").exists]:
            continue
        version = _version(ctx, nvcc[0])
        if not version or version < _LEAST:
            # buildifier: disable=print
            print("%s is %s; Orbit needs CUDA %d.%d or later and goes on without" % (nvcc[0], "CUDA %d.%d" % version if version else "not to be run", _LEAST[0], _LEAST[1]))
            continue
        lib = [
            folder + name
            for folder in folders
            for name in ["/lib64", "/lib", "/lib/x86_64-linux-gnu"]
            if ctx.path(folder + name).exists and folder != "/usr" or name == "/lib/x86_64-linux-gnu" and folder == "/usr"
        ]
        return struct(nvcc = nvcc[0], version = "%d.%d" % version, include = [f for f in include if f != "/usr/include"], lib = lib)
    if ctx.os.environ.get("CUDA_HOME"):
        # buildifier: disable=print
        print("CUDA_HOME is %s, which holds no CUDA toolkit of version %d.%d or later (bin/nvcc, include/cuda_runtime.h): Orbit goes on without CUDA" %
              (ctx.os.environ["CUDA_HOME"], _LEAST[0], _LEAST[1]))
    return None

def _runtime_linkopts(ctx, lib):
    static = [folder for folder in lib if ctx.path(folder + "/libcudart_static.a").exists]
    if static:
        return [static[0] + "/libcudart_static.a", "-ldl", "-lrt", "-pthread"]
    for folder in lib:
        for entry in ctx.path(folder).readdir():
            if entry.basename.startswith("libcudart.so"):
                return ["-L" + folder, "-l:" + entry.basename, "-Wl,-rpath," + folder]
    fail("\n\nno CUDA runtime library (libcudart) in %s\n" % ", ".join(lib))

def _cuda_toolkit_impl(ctx):
    cuda = _find(ctx)
    if not cuda:
        ctx.file("toolkit.bzl", 'CUDA_IS_FOUND = False\nNVCC = ""\nCUDA_VERSION = ""\nCUDA_INCLUDE = []\nCUDA_LIB = []\n')
        ctx.file("version", "none\n")
        ctx.file("BUILD", """package(default_visibility = ["//visibility:public"])
exports_files(["version"])
cc_library(name = "headers")
cc_library(name = "cudart")
""")
        return
    ctx.file("toolkit.bzl", "CUDA_IS_FOUND = True\nNVCC = %r\nCUDA_VERSION = %r\nCUDA_INCLUDE = %r\nCUDA_LIB = %r\n" %
                            (cuda.nvcc, cuda.version, cuda.include, cuda.lib))
    ctx.file("version", "%s %s\n" % (cuda.nvcc, cuda.version))
    for i, folder in enumerate(cuda.include):
        ctx.symlink(folder, "include/%d" % i)
    ctx.file("BUILD", """package(default_visibility = ["//visibility:public"])
exports_files(["version"])
cc_library(
    name = "headers",
    hdrs = glob(["include/*/*.h", "include/*/*.hpp", "include/*/crt/*", "include/*/nvtx3/**"], allow_empty = True),
    includes = %r,
)
cc_library(
    name = "cudart",
    linkopts = %r,
    deps = [":headers"],
)
""" % (["include/%d" % i for i in range(len(cuda.include))], _runtime_linkopts(ctx, cuda.lib)))

cuda_toolkit = repository_rule(
    implementation = _cuda_toolkit_impl,
    doc = """Finds CUDA 12.4 or later: CUDA_HOME, /usr/local/cuda and /usr/local/cuda-*, Debian's package, NVIDIA's PyPI wheels.

toolkit.bzl has CUDA_IS_FOUND, NVCC, CUDA_VERSION, CUDA_INCLUDE and CUDA_LIB; `headers` and `cudart` are libraries.""",
    environ = ["CUDA_HOME", "PATH"],
    local = True,
    configure = True,
)
