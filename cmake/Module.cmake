# fm_module(NAME [SOURCES …] [DEPS fm_… dep_…]) makes the static library fm_NAME of one folder.
# Headers are included as "folder/header.h" from the source root.
function(fm_module name)
	cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
	add_library(fm_${name} STATIC ${arg_SOURCES})
	target_include_directories(fm_${name} PUBLIC ${CMAKE_SOURCE_DIR})
	target_compile_definitions(fm_${name} PRIVATE _GNU_SOURCE)
	target_link_libraries(fm_${name} PUBLIC ${arg_DEPS})
endfunction()
