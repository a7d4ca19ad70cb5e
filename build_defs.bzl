"""The C++ rules of this repository: warnings are errors in our code, tests run on Catch2 v2."""

_WARNINGS = ["-Wall", "-Wextra", "-Werror"]

# Headers of LibTorch and of the distribution are not ours to mend.
_COPTS = _WARNINGS + ["-Wno-unused-parameter", "-Wno-sign-compare", "-Wno-unknown-pragmas", "-Wno-missing-field-initializers"]

def cc_lib(name, copts = [], **kwargs):
    native.cc_library(name = name, copts = _COPTS + copts, **kwargs)

def cc_bin(name, copts = [], **kwargs):
    native.cc_binary(name = name, copts = _COPTS + copts, **kwargs)

def cc_unit_test(name, deps = [], copts = [], size = "small", **kwargs):
    """A Catch2 test; its main() is shared and prints why a case is skipped."""
    native.cc_test(
        name = name,
        copts = _COPTS + copts,
        size = size,
        deps = deps + ["//common/testing:catch_main"],
        **kwargs
    )

def cc_fuzzer(name, deps = [], copts = [], **kwargs):
    """A libFuzzer target: built by hand with --config=fuzz."""
    native.cc_binary(
        name = name,
        copts = _COPTS + copts,
        tags = ["manual"],
        deps = deps,
        **kwargs
    )

def cuda_object(name, src, deps = []):
    """One *_cuda.cu compiled by nvcc into NAME.o; built only where --config=cuda selects it.

    Device code includes no torch header: its launchers take raw pointers and a stream.
    """
    native.genrule(
        name = name,
        srcs = [src] + deps,
        outs = [name + ".o"],
        cmd = "$(location @cuda//:nvcc) -c $(location %s) -o $@ -I. -O3 -std=c++17 " % src +
              "-Xcompiler -fPIC,-Wall -gencode arch=compute_80,code=sm_80 " +
              "-gencode arch=compute_90,code=sm_90 -gencode arch=compute_90,code=compute_90",
        tags = ["manual"],
        tools = ["@cuda//:nvcc"],
    )
