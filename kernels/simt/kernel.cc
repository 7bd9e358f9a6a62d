// Compiles the .cu file that ORBIT_KERNEL names as C++ for the emulator.
#include ORBIT_KERNEL
