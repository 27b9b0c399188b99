# Warning, sanitizer and hardening flags for every target.
set(fmd_warnings -Wall -Wextra -Wshadow -Wformat=2 -Wundef -Wwrite-strings -Wcast-qual
	-Wpointer-arith -Wvla -fno-common)
set(fmd_c_warnings -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum)
if(FMD_WERROR)
	list(APPEND fmd_warnings -Werror)
endif()
add_compile_options(${fmd_warnings} "$<$<COMPILE_LANGUAGE:C>:${fmd_c_warnings}>"
	-fno-omit-frame-pointer)

if(FMD_SANITIZE)
	add_compile_options(-fsanitize=${FMD_SANITIZE} -fno-sanitize-recover=all)
	add_link_options(-fsanitize=${FMD_SANITIZE})
endif()
if(FMD_SANITIZE MATCHES "thread")
	add_library(fmd_c11threads OBJECT tests/tsan/c11threads.c)
	link_libraries($<TARGET_OBJECTS:fmd_c11threads>)
endif()
if(FMD_FUZZ)
	# The coverage calls of instrumented code are defined by libFuzzer, or else by a sanitizer.
	if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang" OR NOT FMD_SANITIZE MATCHES "address")
		message(FATAL_ERROR "FMD_FUZZ needs clang and FMD_SANITIZE=address: use --preset fuzz")
	endif()
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(FMD_HARDEN)
	include(CheckIPOSupported)
	check_ipo_supported(RESULT fmd_ipo LANGUAGES C CXX)
	set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${fmd_ipo})
	set(CMAKE_C_FLAGS_RELEASE "-O2 -g -DNDEBUG")
	set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g -DNDEBUG")
	add_compile_options(-D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
		-fcf-protection=full -ftrivial-auto-var-init=zero -fno-strict-overflow
		-Werror=format-security)
	add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
endif()
