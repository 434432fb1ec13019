#include <iostream>

#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/kube/client.h"

int main() {
  std::cout << pawk8s::Phases().size() << " phases\n";
  return pawk8s::FindPhase("chaos")->size == 65 ? 0 : 1;
}
