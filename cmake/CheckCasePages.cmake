# docs/catalogue must be what `pawk8s pages` makes of the catalogue, the keys and the defects.
file(REMOVE_RECURSE ${BUILD}/case_pages)
execute_process(COMMAND ${PROGRAM} pages infrastructure ${BUILD}/case_pages RESULT_VARIABLE failed)
if(NOT failed)
  execute_process(COMMAND diff -ru ${ROOT}/docs/catalogue ${BUILD}/case_pages RESULT_VARIABLE failed)
endif()
if(failed)
  message(FATAL_ERROR "run: ${PROGRAM} pages infrastructure docs/catalogue")
endif()
