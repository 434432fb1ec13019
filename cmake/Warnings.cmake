# Every target of the project links this; consumers of the installed package do not get it.
add_library(pawk8s_warnings INTERFACE)
target_compile_options(pawk8s_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror
  # Designated initialisers leave out what has a default on purpose.
  -Wno-missing-field-initializers)
