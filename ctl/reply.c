/*
 * reply: the lines a server answers with. Rows are put in as they are kept, unparsed, so that
 * listing a hundred thousand alarms costs copying only.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "ctl/ctl.h"

void
ctl_reply_row(struct fm_buf *out, uint64_t id, const char *row_json, size_t len)
{
	fm_buf_addf(out, "{\"id\":%" PRIu64 ",\"row\":", id);
	fm_buf_add(out, row_json, len);
	fm_buf_add(out, "}\n", 2);
}

/* fm_escape leaves well-formed UTF-8 without control characters, so jansson always takes it. */
static void
add_json_text(struct fm_buf *out, const char *text)
{
	struct fm_buf safe = {0};

	fm_escape(&safe, text, strlen(text));
	json_t *js = json_stringn(safe.s != NULL ? safe.s : "", safe.len);
	fm_assert(js != NULL);
	char *json = json_dumps(js, JSON_ENCODE_ANY);
	fm_assert(json != NULL);
	fm_buf_adds(out, json);
	free(json);
	json_decref(js);
	fm_buf_fini(&safe);
}

void
ctl_reply_done(struct fm_buf *out, uint64_t id, enum ctl_code code, const char *error)
{
	fm_buf_addf(out, "{\"id\":%" PRIu64 ",\"done\":true,\"code\":%d", id, (int)code);
	if (error != NULL) {
		fm_buf_adds(out, ",\"error\":");
		add_json_text(out, error);
	}
	fm_buf_add(out, "}\n", 2);
}
