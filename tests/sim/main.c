/*
 * fmd_sim enumerate|simulate [OPTIONS], fmd_sim_bugs find [OPTIONS]: see docs/TESTING.md.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

int
main(int argc, char **argv)
{
	const char *source = getenv("FMD_SOURCE");

	if (argc > 2 && strcmp(argv[argc - 1], "--verbose") == 0) {
		verbose = true;
		argc--;
	}
	world_open(source != NULL ? source : ".");
	if (argc > 1 && strcmp(argv[1], "enumerate") == 0)
		return enumerate_main(argc - 1, argv + 1);
#ifdef FMD_SEEDED_BUGS
	if (argc > 1 && strcmp(argv[1], "find") == 0)
		return find_main(argc - 1, argv + 1);
#endif
	if (argc > 1 && strcmp(argv[1], "simulate") == 0)
		return simulate_main(argc - 1, argv + 1);
	fprintf(stderr, "usage: fmd_sim enumerate|simulate [OPTIONS]\n");
	return 2;
}
