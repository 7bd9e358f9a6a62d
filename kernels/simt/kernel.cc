// The source that ORBIT_KERNEL names, a .cu file, as C++ for the emulator.
#include ORBIT_KERNEL
