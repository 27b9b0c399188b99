/*
 * host: how many names one host can be known by, and how long a name can be.
 */
#include "../catalogue/cat_test.h"
#include "correlator/correlator.h"

#include <string.h>

#define MANY 40
#define MOST_ALIASES 16

struct seen {
	unsigned hosts, names;
};

static void
ignore(void *ctx, struct transition *tr)
{
	(void)ctx;
	(void)tr;
}

static void
hear(struct correlator *corr, struct decoder *dec, const char *text)
{
	struct fm_err err;
	struct event ev;

	cr_assert_eq(event_decode(dec, text, strlen(text), &ev, &err), 0, "%s", err.msg);
	ev.at = (struct fm_time){1767225600 * FM_NS_PER_S};
	ev.pos = (struct record_pos){.topic = "t"};
	(void)corr_apply(corr, &ev, ignore, NULL);
}

static void
count(void *ctx, const struct row *row)
{
	struct seen *seen = ctx;

	if (row->kind != ROW_HOST)
		return;
	seen->hosts++;
	seen->names = row->u.host.aliases != NULL;
	for (const char *p = row->u.host.aliases; p != NULL && *p != '\0'; p++)
		seen->names += *p == ' ';
}

Test(host, is_known_by_any_spelling_and_remembers_a_bounded_number)
{
	struct loaded l = load_good(ALARM("700.001", "major"));
	struct correlator *corr = corr_new(l.cat);
	struct decoder *dec = decoder_new(NULL);
	struct seen seen = {0};

	for (unsigned i = 0; i < MANY; i++) {
		char text[200];

		snprintf(text, sizeof(text), i == 0 ? "{\"kind\":\"heartbeat\",\"seq\":%u,\"host\":"
			 "\"compute-0\"}" : "{\"kind\":\"heartbeat\",\"seq\":%u,\"host\":"
			 "\"compute-0.net%u\"}", i + 1, i);
		hear(corr, dec, text);
		if (i == MOST_ALIASES) {
			corr_each_row(corr, count, &seen);
			cr_assert_eq(seen.names, MOST_ALIASES);
		}
	}
	seen = (struct seen){0};
	corr_each_row(corr, count, &seen);
	cr_assert_eq(seen.hosts, 1);
	cr_assert_eq(seen.names, MOST_ALIASES);
	corr_free(corr);
	decoder_free(dec);
	unload(&l);
}

Test(host, of_a_longer_name_than_any_is_none)
{
	struct loaded l = load_good(ALARM("200.004", "major"));
	struct correlator *corr = corr_new(l.cat);
	struct decoder *dec = decoder_new(NULL);
	struct corr_stats s;

	for (unsigned len = FM_MAX_HOST; len <= FM_MAX_HOST + 1; len++) {
		char text[600], name[FM_MAX_HOST + 2] = {0};

		memset(name, 'h', len);
		snprintf(text, sizeof(text), "{\"op\":\"set\",\"alarm_id\":\"200.004\","
			 "\"entity_instance_id\":\"host=%s\"}", name);
		hear(corr, dec, text);
	}
	corr_get_stats(corr, &s);
	cr_assert_eq(s.hosts, 1);
	corr_free(corr);
	decoder_free(dec);
	unload(&l);
}
