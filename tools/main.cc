#include "tools/program.h"

int main(int argc, char** argv) { return orbit::RunProgram(argc, argv); }
