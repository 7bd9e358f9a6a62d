"""Libraries that the system provides, as repositories; BUILD beside this file gives them their names."""

def _system_library_impl(ctx):
    missing = [path for path in ctx.attr.files if not ctx.path(path).exists]
    if missing:
        fail("\n\nOrbit needs %s, which is not here. Install Debian's package %s:\n\n    apt-get install %s\n\nor call ./bazelw instead of bazel, which installs all that is missing.\n" %
             (missing[0], ctx.attr.package, ctx.attr.package))
    if ctx.attr.include:
        ctx.symlink(ctx.attr.include, "include")
    if ctx.attr.sources:
        ctx.symlink(ctx.attr.sources, "sources")
    ctx.file("BUILD", ctx.attr.build or """cc_library(
    name = "library",
    hdrs = glob(["include/**"], allow_empty = True),
    includes = ["include"] if {has_include} else [],
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
""".format(has_include = bool(ctx.attr.include), linkopts = repr(ctx.attr.linkopts)))

system_library = repository_rule(
    implementation = _system_library_impl,
    doc = "A library found on the system; a plain word on how to install it where it is missing.",
    attrs = {
        "files": attr.string_list(doc = "absolute paths that must exist"),
        "package": attr.string(doc = "the Debian package that provides them"),
        "include": attr.string(doc = "a header folder outside the compiler's own search path"),
        "sources": attr.string(doc = "a folder of sources that `build` compiles"),
        "linkopts": attr.string_list(),
        "build": attr.string(doc = "a BUILD file of its own"),
    },
    local = True,
)

_GOOGLETEST_BUILD = """
cc_library(
    name = "library",
    srcs = ["sources/googletest/src/gtest-all.cc", "sources/googlemock/src/gmock-all.cc"],
    hdrs = glob(["sources/*/include/**/*.h"]),
    textual_hdrs = glob(["sources/*/src/*.cc", "sources/*/src/*.h"]),
    copts = ["-Iexternal/googletest/sources/googletest", "-Iexternal/googletest/sources/googlemock", "-w"],
    includes = ["sources/googletest/include", "sources/googlemock/include"],
    linkopts = ["-pthread"],
    visibility = ["//visibility:public"],
)

cc_library(
    name = "main",
    srcs = ["sources/googletest/src/gtest_main.cc"],
    visibility = ["//visibility:public"],
    deps = [":library"],
)
"""

def system_libraries():
    """Declares a repository for every library of packages.txt that is linked or included."""

    # The variant with threads of its own, held to none (kernels/cpu/matmul.cc): it may be called from several at once.
    openblas = "x86_64-linux-gnu/openblas-pthread"
    system_library(
        name = "openblas",
        files = ["/usr/include/%s/cblas.h" % openblas, "/usr/lib/%s/libopenblas.so" % openblas],
        package = "libopenblas-pthread-dev",
        include = "/usr/include/" + openblas,
        linkopts = ["-L/usr/lib/" + openblas, "-Wl,-rpath,/usr/lib/" + openblas, "-lopenblas"],
    )
    system_library(
        name = "googletest",
        files = ["/usr/src/googletest/googletest/src/gtest-all.cc"],
        package = "googletest",
        sources = "/usr/src/googletest",
        build = _GOOGLETEST_BUILD,
    )
    system_library(
        name = "rdkit",
        files = ["/usr/include/rdkit/GraphMol/SmilesParse/SmilesParse.h", "/usr/lib/libRDKitSmilesParse.so"],
        package = "librdkit-dev",
        include = "/usr/include/rdkit",
        linkopts = ["-lRDKitChemTransforms", "-lRDKitSmilesParse", "-lRDKitGraphMol", "-lRDKitRDGeneral"],
    )
    for name, header, package, linkopts in [
        ("boost_context", "boost/context/fiber.hpp", "libboost-context-dev", ["-lboost_context"]),
        ("cli11", "CLI/CLI.hpp", "libcli11-dev", []),
        ("curl", "x86_64-linux-gnu/curl/curl.h", "libcurl4-openssl-dev", ["-lcurl"]),
        ("eigen", "eigen3/Eigen/Dense", "libeigen3-dev", []),
        ("fmt", "fmt/core.h", "libfmt-dev", ["-lfmt"]),
        ("gloo", "gloo/context.h", "libgloo-dev", ["-lgloo"]),
        ("highway", "hwy/highway.h", "libhwy-dev", ["-lhwy"]),
        ("nauty", "nauty/naugroup.h", "libnauty2-dev", ["-lnauty"]),
        ("nlohmann_json", "nlohmann/json.hpp", "nlohmann-json3-dev", []),
        ("openssl", "openssl/evp.h", "libssl-dev", ["-lcrypto"]),
        ("protobuf", "google/protobuf/message.h", "libprotobuf-dev", ["-lprotobuf", "-pthread"]),
        ("random123", "Random123/philox.h", "librandom123-dev", []),
        ("spdlog", "spdlog/spdlog.h", "libspdlog-dev", ["-lspdlog", "-lfmt", "-pthread"]),
        ("yaml_cpp", "yaml-cpp/yaml.h", "libyaml-cpp-dev", ["-lyaml-cpp"]),
        ("zlib", "zlib.h", "zlib1g-dev", ["-lz"]),
    ]:
        system_library(
            name = name,
            files = ["/usr/include/" + header],
            package = package,
            linkopts = linkopts,
        )
    system_library(
        name = "protoc",
        files = ["/usr/bin/protoc"],
        package = "protobuf-compiler",
    )
    system_library(
        name = "clang",
        files = ["/usr/bin/clang++"],
        package = "clang libclang-rt-dev libomp-dev",
    )
