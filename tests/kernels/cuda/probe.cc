// A library that shared_library_test looks for.
extern "C" int Probe() { return 42; }
