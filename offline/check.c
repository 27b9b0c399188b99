/*
 * check: everything that can be said about a catalogue without running it in a daemon.
 */
#include "offline/offline_priv.h"

static int
refuse(const char *path, const struct cat_findings *findings, struct fm_err *err)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf b = {0};
	unsigned i = 0;

	while (i + 1 < findings->n && !findings->v[i].error)
		i++;
	cat_finding_print(&findings->v[i], path, &b);
	return fm_fail(err, -EINVAL, "%s", b.s);
}

unsigned
offline_count(const struct cat_findings *findings, const char *level)
{
	unsigned n = 0;

	for (unsigned i = 0; i < findings->n; i++)
		n += strcmp(cat_finding_level(&findings->v[i]), level) == 0;
	return n;
}

static void
add_count(struct fm_buf *b, const char *before, unsigned n, const char *what)
{
	fm_buf_addf(b, "%s%u %s%s", before, n, what, n == 1 ? "" : "s");
}

void
offline_summary(const char *path, const struct cat_findings *findings,
		const struct offline_checked *checked, struct fm_buf *ret)
{
	fm_buf_adds(ret, path);
	add_count(ret, ": ", findings->n_errors, "error");
	add_count(ret, ", ", offline_count(findings, "warning"), "warning");
	add_count(ret, ", ", offline_count(findings, "note"), "note");
	fm_buf_addf(ret, "; %u of %u examples hold", checked->examples - checked->failed,
		    checked->examples);
}

int
offline_check(const char *path, struct fm_span retention, struct cat_findings *findings,
	      struct offline_checked *ret, struct catalogue **ret_cat, struct fm_err *err)
{
	struct catalogue *cat = NULL;
	const int r = cat_load(path, findings, &cat, err);

	*ret = (struct offline_checked){0};
	if (r < 0)
		return r;
	cat_check_retention(cat, retention, findings);
	offline_play(cat, findings, ret);
	if (ret_cat != NULL)
		*ret_cat = cat;
	else
		cat_free(cat);
	return findings->n_errors == 0 ? 0 : refuse(path, findings, err);
}
