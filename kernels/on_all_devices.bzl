"""Dependencies of libraries that dispatch to kernels."""

def on_all_devices(*names):
    """The kernels of these names for the CPU, for GPUs, and for the emulator of GPUs."""
    return ["//kernels:" + name for name in names] + \
           ["//kernels/cuda:" + name for name in names] + \
           ["//kernels/cuda:" + name + "_simt" for name in names]
