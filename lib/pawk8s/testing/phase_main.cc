#include "pawk8s/testing/run_phase.h"

int main(int argc, char** argv) { return pawk8s::testing::RunPhase(PAWK8S_PHASE, argc, argv); }
