# Third-party libraries, each as an imported target named dep_*; a folder's
# CMakeLists.txt names the ones that cmake/layers.tsv allows it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(fm_dep name)
	pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${ARGN})
	add_library(dep_${name} INTERFACE)
	target_link_libraries(dep_${name} INTERFACE PkgConfig::${name})
endfunction()

fm_dep(uuid uuid)
fm_dep(jansson jansson>=2.13)
fm_dep(yaml yaml-0.1>=0.2.2)
fm_dep(sqlite3 sqlite3>=3.37)
fm_dep(rdkafka rdkafka>=2.0.2)
fm_dep(netsnmp netsnmp)
fm_dep(uv libuv>=1.40)
fm_dep(smartcols smartcols)
fm_dep(simdjson simdjson)
# Of its libraries only the calendar; the others bring a database along.
pkg_check_modules(ical REQUIRED libical>=3.0.8)
add_library(dep_ical INTERFACE)
target_include_directories(dep_ical INTERFACE ${ical_INCLUDE_DIRS})
target_link_directories(dep_ical INTERFACE ${ical_LIBRARY_DIRS})
target_link_libraries(dep_ical INTERFACE ical)
pkg_check_modules(systemd IMPORTED_TARGET libsystemd)
