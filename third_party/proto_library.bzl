"""Protocol buffers, compiled by the system's protoc."""

def cc_proto(name, src, visibility = None):
    """A C++ library of the messages in `src`, which ends in .proto; include it as "path/to/src.pb.h"."""
    stem = src[:-len(".proto")]
    native.genrule(
        name = name + "_generate",
        srcs = [src],
        outs = [stem + ".pb.h", stem + ".pb.cc"],
        cmd = "/usr/bin/protoc --proto_path=. --cpp_out=$(GENDIR) $(location %s)" % src,
    )
    native.cc_library(
        name = name,
        srcs = [stem + ".pb.cc"],
        hdrs = [stem + ".pb.h"],
        copts = ["-w"],
        visibility = visibility,
        deps = ["//third_party:protobuf"],
    )
