"""Libraries and tests that are named after their files."""

def libraries(deps, **kwargs):
    """For every NAME in `deps`, a library of NAME.cc and NAME.h, as far as they exist, with these dependencies."""
    for name in deps:
        native.cc_library(
            name = name,
            srcs = native.glob([name + ".cc"]),
            hdrs = native.glob([name + ".h"]),
            deps = deps[name],
            **kwargs
        )

def tests(deps, size = "small", **kwargs):
    """For every NAME in `deps`, the GoogleTest program NAME_test of NAME_test.cc, with these dependencies."""
    for name in deps:
        native.cc_test(
            name = name + "_test",
            size = size,
            srcs = [name + "_test.cc"],
            deps = deps[name] + ["//third_party:googletest"],
            **kwargs
        )
