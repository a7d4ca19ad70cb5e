"""The C++ rules of this repository: warnings are errors in our code, tests run on Catch2 v2."""

_WARNINGS = ["-Wall", "-Wextra", "-Werror"]

# Headers of LibTorch and of the distribution are not ours to mend.
_COPTS = _WARNINGS + ["-Wno-unused-parameter", "-Wno-sign-compare", "-Wno-unknown-pragmas", "-Wno-missing-field-initializers"]

def cc_lib(name, copts = [], **kwargs):
    native.cc_library(name = name, copts = _COPTS + copts, **kwargs)

# What the AVX-512 twin of a kernel is compiled with beside its other options.
_AVX512_COPTS = [
    "-mavx512f",
    "-mavx512bw",
    "-mavx512dq",
    "-mavx512vl",
    "-mprefer-vector-width=512",
]

def isa_twins(name, rows, copts = [], hdrs = [], **kwargs):
    """NAME_avx2 and NAME_avx512: two sources that include the same rows, one for each instruction set."""
    for isa, more in {"avx2": [], "avx512": _AVX512_COPTS}.items():
        cc_lib(
            name = name + "_" + isa,
            srcs = ["%s_%s.cc" % (name, isa)],
            hdrs = [name + "_isa.h"] + hdrs,
            copts = copts + more,
            textual_hdrs = rows,
            **kwargs
        )

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

# A target that only --config=cuda builds; elsewhere `//...` skips it.
_NEEDS_CUDA = select({
    "//:cuda": [],
    "//conditions:default": ["@platforms//:incompatible"],
})

# What code that launches kernels links.
CUDA_RUNTIME = select({
    "//:cuda": ["@cuda//:cudart"],
    "//conditions:default": [],
})

# sm_80 (A100), sm_90 (H100), and PTX for what comes after.
_NVCC_FLAGS = " ".join([
    "-I. -O3 -std=c++17 -Werror all-warnings",
    "-Xcompiler " + ",".join(["-fPIC"] + [f for f in _COPTS if "," not in f]),
    "-gencode arch=compute_80,code=sm_80",
    "-gencode arch=compute_90,code=sm_90",
    "-gencode arch=compute_90,code=compute_90",
])

def cuda_object(name, src, hdrs = [], **kwargs):
    """One .cu compiled by nvcc into NAME.pic.o, from the headers it names.

    Device code includes no torch header: its launchers take raw pointers and a stream.
    """
    native.genrule(
        name = name,
        srcs = [src] + hdrs,
        outs = [name + ".pic.o"],
        cmd = "$(location @cuda//:nvcc) -c $(location %s) -o $@ %s" % (src, _NVCC_FLAGS),
        target_compatible_with = _NEEDS_CUDA,
        tools = ["@cuda//:nvcc"],
        **kwargs
    )

def cuda_or_stub(op):
    """The sources of an op's device launchers: nvcc's object of OP_cuda, or OP_cuda_stub.cc."""
    return select({
        "//:cuda": [op + "_cuda.pic.o"],
        "//conditions:default": [op + "_cuda_stub.cc"],
    })

def cuda_unit_test(name, src, hdrs = [], deps = [], size = "small"):
    """A Catch2 test of device code; it skips its cases where there is no device."""
    cuda_object(
        name = name + "_object",
        src = src,
        hdrs = hdrs,
        testonly = True,
    )
    native.cc_test(
        name = name,
        srcs = [name + "_object.pic.o"],
        size = size,
        target_compatible_with = _NEEDS_CUDA,
        deps = deps + CUDA_RUNTIME + ["//common/testing:catch_main"],
    )
