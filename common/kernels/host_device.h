// What kernel bodies share: inline arithmetic for the host, for the device and for every
// instruction set.
#pragma once

#if defined(__CUDACC__)
#define TENFOLD_HOST_DEVICE __host__ __device__
#else
#define TENFOLD_HOST_DEVICE
#endif

// A file compiled for one instruction set names it first (`#define TENFOLD_ISA avx512`). Bodies
// live in that namespace: the linker would merge inline functions of one name, and wide code would
// run on any machine.
#ifndef TENFOLD_ISA
#define TENFOLD_ISA portable
#endif
