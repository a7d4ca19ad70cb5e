"""LibTorch as a repository: from LIBTORCH=DIR, else unpacked from the pinned torch wheel.

DIR holds `include/` and `lib/` (a libtorch distribution, or site-packages/torch of a wheel).
"""

_WHEELS = {
    "torch==2.11.0": "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
}

# libtorch_cpu.so of the wheel needs these two even where no GPU is used.
_CUDA_WHEELS = {
    "nvidia-cuda-runtime==13.0.96": "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    "nvidia-cuda-cupti==13.0.85": "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
}

# What libtorch_cuda.so of the wheel needs; None: comes with the CUDA Toolkit, cuDNN and NCCL.
_CUDA_LIBRARIES = {
    "libcublas.so.13": None,
    "libcublasLt.so.13": None,
    "libcudnn.so.9": None,
    "libcufft.so.12": None,
    "libcufile.so.0": ("nvidia-cufile==1.15.1.6", "08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44"),
    "libcurand.so.10": None,
    "libcusparse.so.12": None,
    "libcusparseLt.so.0": ("nvidia-cusparselt-cu13==0.8.0", "25e30a8a7323935d4ad0340b95a0b69926eee755767e8e0b1cf8dd85b197d3fd"),
    "libnccl.so.2": None,
    "libnvJitLink.so.13": None,
    "libnvshmem_host.so.3": ("nvidia-nvshmem-cu13==3.4.5", "290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80"),
}

_DOWNLOAD_TIMEOUT_S = 3600

def _unpack(ctx, requirement, sha256, keep):
    """Downloads one wheel, checks its digest, unpacks the members whose names match `keep`."""
    result = ctx.execute(
        ["python3", ctx.path(Label("//third_party/libtorch:unpack_wheel.py")), requirement, sha256, keep],
        timeout = _DOWNLOAD_TIMEOUT_S,
    )
    if result.return_code != 0:
        fail("cannot fetch {}: {}\nSet LIBTORCH=DIR to use a LibTorch that is already here.".format(
            requirement,
            result.stderr,
        ))

def _find_library(ctx, name):
    """The path of a CUDA runtime library on this machine, or None."""
    home = ctx.os.environ.get("CUDA_HOME", "/usr/local/cuda")
    for folder in [home + "/lib64", home + "/extras/CUPTI/lib64", home + "/targets/x86_64-linux/lib"]:
        path = ctx.path(folder + "/" + name)
        if path.exists:
            return path
    return None

def _libtorch_impl(ctx):
    local = ctx.os.environ.get("LIBTORCH", "")
    if local:
        for part in ["include", "lib"]:
            if not ctx.path(local).get_child(part).exists:
                fail("LIBTORCH={}: no folder {}/ in it".format(local, part))
            ctx.symlink(ctx.path(local).get_child(part), part)
    else:
        for requirement, sha256 in _WHEELS.items():
            _unpack(ctx, requirement, sha256, "^torch/(include/.*|lib/lib[^/]*)$")
        ctx.execute(["sh", "-c", "mv torch/include torch/lib . && rmdir torch"])
    ctx.execute(["mkdir", "-p", "cuda_runtime"])
    missing = []
    for name in ["libcudart.so.13", "libcupti.so.13"]:
        path = _find_library(ctx, name)
        if path:
            ctx.symlink(path, "cuda_runtime/" + name)
        else:
            missing.append(name)
    if missing:
        for requirement, sha256 in _CUDA_WHEELS.items():
            _unpack(ctx, requirement, sha256, "lib/lib(cudart|cupti)\\.so\\.13$")
        for name in missing:
            ctx.execute(["sh", "-c", "mv $(find nvidia -name {}) cuda_runtime/".format(name)])
    ctx.template("BUILD", Label("//third_party/libtorch:libtorch.BUILD"))

libtorch = repository_rule(
    implementation = _libtorch_impl,
    environ = ["LIBTORCH", "CUDA_HOME"],
    doc = "LibTorch 2.11.0 with the headers of fmt that it carries.",
)

def _cuda_libraries_impl(ctx):
    for name, wheel in _CUDA_LIBRARIES.items():
        path = _find_library(ctx, name)
        if path:
            ctx.symlink(path, "lib/" + name)
        elif wheel:
            _unpack(ctx, wheel[0], wheel[1], "/%s$" % name.replace(".", "\\."))
            ctx.execute(["sh", "-c", "mkdir -p lib && mv $(find nvidia -name %s) lib/" % name])
        else:
            fail("{}: not found under CUDA_HOME; --config=cuda needs the CUDA Toolkit 13, cuDNN 9 and NCCL 2".format(name))
    imports = ["cc_import(name = \"%s\", shared_library = \"lib/%s\")\n" % (n, n) for n in _CUDA_LIBRARIES]
    ctx.file("BUILD", "".join(imports) + """
cc_library(
    name = "cuda_libraries",
    visibility = ["//visibility:public"],
    deps = %s,
)
""" % [":" + name for name in _CUDA_LIBRARIES])

cuda_libraries = repository_rule(
    implementation = _cuda_libraries_impl,
    environ = ["CUDA_HOME"],
    doc = "The CUDA libraries behind libtorch_cuda.so, fetched only where --config=cuda asks for them.",
)
