"""Programs, each as its own executable and as a part of one that holds many."""

def program(name, srcs = None, deps = [], testonly = False, visibility = None):
    """From NAME.cc, which registers a Program (program.h): the executable NAME, and NAME_program for //tools:orbit."""
    native.cc_library(
        name = name + "_program",
        testonly = testonly,
        srcs = srcs or [name + ".cc"],
        alwayslink = True,  # nothing calls it by name
        visibility = visibility,
        deps = deps + ["//tools/common:program"],
    )
    native.cc_binary(
        name = name,
        testonly = testonly,
        visibility = visibility,
        deps = [
            ":%s_program" % name,
            "//tools/common:main",
        ],
    )
