#include "tools/common/program.h"

int main(int argc, char** argv) { return orbit::RunProgram(argc, argv); }
