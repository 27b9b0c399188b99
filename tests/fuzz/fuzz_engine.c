/*
 * fuzz_engine: any bytes as the file that keeps the SNMP engine's id and count of starts. It is taken
 * whole or refused, never half read; the count never goes back, and what was written reads again.
 *
 * LINK: fm_snmp
 */
#include "snmp/fmagent_priv.h"
#include "tests/fuzz/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fmagent_engine first, second;
	struct fm_err err = {0};

	free(feed_file("engine", data, size));
	const int r = fmagent_engine_boot(feed_directory(), NULL, &first, &err);

	if (r < 0) {
		fm_assert((r == -EUCLEAN || r == -ERANGE) && err.msg[0] != '\0');
		return 0;
	}
	fm_assert(first.len >= 5 && first.len <= FMAGENT_MAX_ENGINE_ID && first.boots > 0);
	if (fmagent_engine_boot(feed_directory(), NULL, &second, &err) < 0) {
		fm_assert(first.boots >= INT32_MAX - 1);
		return 0;
	}
	fm_assert(second.boots == first.boots + 1);
	fm_assert(second.len == first.len && memcmp(second.id, first.id, first.len) == 0);
	return 0;
}
