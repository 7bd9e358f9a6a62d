"""Kernels: a header here, an implementation a device in the device's folder."""

def kernel_library(name, srcs = [], deps = [], **kwargs):
    """The kernels that NAME.h declares, from cpu/NAME.cc and the sources given."""
    native.cc_library(
        name = name,
        srcs = ["cpu/%s.cc" % name] + srcs,
        hdrs = [name + ".h"],
        deps = [":device", ":error", ":parallel"] + deps,
        **kwargs
    )
