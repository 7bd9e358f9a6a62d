"""Tests that also run where there is no Bazel."""

def bundled_test(name, source, deps, srcs = None, local_defines = [], visibility = None, **kwargs):
    """A cc_test of `source`, and NAME_program, which has it as a program of //tools:orbit.

    `srcs` is what is compiled where that may be another file.
    """
    native.cc_library(
        name = name + "_program",
        testonly = True,
        srcs = (srcs or [source]) + ["//tests:test_program.cc"],
        alwayslink = True,
        linkstatic = True,
        local_defines = local_defines + [
            'ORBIT_TEST=\\"%s\\"' % name,
            'ORBIT_TEST_SOURCE=\\"%s/%s\\"' % (native.package_name(), source),
        ],
        visibility = ["//tests:__pkg__"],
        deps = deps + [
            "//third_party:googletest_without_main",
            "//tools/common:program",
        ],
    )
    native.cc_test(
        name = name,
        visibility = visibility,
        deps = [
            ":%s_program" % name,
            "//third_party:googletest",
        ],
        **kwargs
    )
