/*
 * bug: places where a build with FMD_SEEDED_BUGS does something wrong on purpose, to see whether the
 * tests notice. Every other build has the constant false there, and so nothing at all: no symbol, no
 * name, no branch (tests/sim/CMakeLists.txt looks).
 */
#ifndef FM_BUG_H
#define FM_BUG_H

#ifdef FMD_SEEDED_BUGS
enum fm_bug {
	BUG_NONE,
#define BUG(id, what) BUG_##id,
#include "base/bugs.def"
#undef BUG
	BUG_N
};
extern enum fm_bug fm_bug;      /* the one that is at work; set by the test */
#define FM_BUG(id) (fm_bug == BUG_##id)
#else
#define FM_BUG(id) 0
#endif

#endif
