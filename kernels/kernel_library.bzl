"""Kernels: a header in this folder, and one implementation per device in the device's folder."""

def kernel_library(name, srcs = [], deps = [], **kwargs):
    """The kernels that NAME.h declares, built from cpu/NAME.cc and the given sources."""
    native.cc_library(
        name = name,
        srcs = ["cpu/%s.cc" % name] + srcs,
        hdrs = [name + ".h"],
        deps = [":device", ":error", ":parallel"] + deps,
        **kwargs
    )
