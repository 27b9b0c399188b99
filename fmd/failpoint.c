/* failpoint: the way out, see failpoint.h. */
#include "fmd/failpoint.h"

#ifdef FMD_FAILPOINTS

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[FP_N] = {
#define FM_X(id, name) name,
	FAILPOINTS(FM_X)
#undef FM_X
};

/* A test that names none of them wants to know. */
void
failpoint_init(struct failpoint *fp)
{
	const char *spec = getenv("FMD_FAILPOINT");
	const size_t len = spec != NULL ? strcspn(spec, ":") : 0;

	*fp = (struct failpoint){.id = -1};
	if (spec == NULL)
		return;
	for (int i = 0; i < FP_N; i++)
		if (strlen(names[i]) == len && memcmp(names[i], spec, len) == 0)
			fp->id = i;
	if (fp->id < 0)
		abort();
	fp->passes = spec[len] == ':' ? strtoull(spec + len + 1, NULL, 10) : 1;
}

/* Not abort or exit: nothing may be flushed, no handler may run. */
void
failpoint_pass(struct failpoint *fp, enum failpoint_id id)
{
	if (fp->id != (int)id || --fp->passes > 0)
		return;
	(void)raise(SIGKILL);
}

#endif
