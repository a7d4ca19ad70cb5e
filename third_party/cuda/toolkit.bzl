"""The CUDA Toolkit (nvcc 13) as a repository."""

def _cuda_toolkit_impl(ctx):
    home = ctx.os.environ.get("CUDA_HOME", "/usr/local/cuda")
    if ctx.path(home + "/bin/nvcc").exists:
        ctx.symlink(ctx.path(home), "toolkit")
        ctx.file("BUILD", """
package(default_visibility = ["//visibility:public"])
filegroup(name = "nvcc", srcs = ["toolkit/bin/nvcc"])
cc_import(name = "cudart", shared_library = "toolkit/lib64/libcudart.so.13")
cc_library(name = "headers", hdrs = glob(["toolkit/include/**"]), includes = ["toolkit/include"])
""")
    else:
        ctx.file("BUILD", """
package(default_visibility = ["//visibility:public"])
filegroup(name = "nvcc", srcs = [])
cc_library(name = "cudart")
cc_library(name = "headers")
""")

cuda_toolkit = repository_rule(
    implementation = _cuda_toolkit_impl,
    environ = ["CUDA_HOME"],
    doc = "CUDA_HOME, or /usr/local/cuda; empty where there is none (only --config=cuda needs it).",
)
