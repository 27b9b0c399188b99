/*
 * fuzz_catalogue: any bytes as a catalogue. What loads must print to something that loads again and
 * prints the same; what does not must say why.
 *
 * LINK: fm_catload fm_catalogue
 */
#include "events/catalogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_refusal(const struct cat_findings *f, const struct fm_err *err)
{
	fm_assert(f->n_errors > 0 && f->n > 0);
	fm_assert(err->msg[0] != '\0');
}

static void
print(const struct catalogue *cat, struct fm_buf *ret)
{
	cat_print(cat, ret);
	fm_assert(fm_utf8_valid(ret->s, ret->len));
}

/* Findings are for people: printable, whatever was in the file. */
static void
check_findings(const struct cat_findings *f)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf b = {0};
	for (unsigned i = 0; i < f->n; i++) {
		cat_finding_print(&f->v[i], "fuzz", &b);
		fm_assert(i == 0 || f->v[i].line == 0 || f->v[i].line >= f->v[i - 1].line);
	}
	fm_assert(b.len == 0 || fm_utf8_valid(b.s, b.len));
	for (size_t i = 0; i < b.len; i++)
		fm_assert((unsigned char)b.s[i] >= 0x20 && b.s[i] != 0x7f);
}

static void
check_round_trip(const struct catalogue *cat)
{
	FM_CLEANUP(fm_buf_fini) struct fm_buf first = {0}, second = {0};
	struct catalogue *again = NULL;
	struct fm_err err;
	print(cat, &first);
	/* Printing may make a file longer than may be read. */
	if (first.len > CAT_MAX_FILE)
		return;
	int rc = cat_load_buf("printed", first.s, first.len, NULL, &again, &err);
	fm_assert(rc == 0);
	fm_assert(cat_count(again) == cat_count(cat));
	print(again, &second);
	fm_assert(first.len == second.len && memcmp(first.s, second.s, first.len) == 0);
	cat_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cat_findings findings;
	struct catalogue *cat = NULL;
	struct fm_err err = {0};
	cat_findings_init(&findings);
	int rc = cat_load_buf("fuzz", (const char *)data, size, &findings, &cat, &err);
	check_findings(&findings);
	if (rc != 0)
		check_refusal(&findings, &err);
	else
		check_round_trip(cat);
	cat_free(cat);
	cat_findings_fini(&findings);
	return 0;
}
