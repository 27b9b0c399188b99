/*
 * AgentX: whatever a master sends, an answer is whole, of the request's packet, and inside its
 * range; what gets no answer leaves nothing behind.
 */
// LINK: fm_snmp
#include "snmp/fmagent_table_priv.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SESSION 1u

static const struct fmagent_filter names = {.region = NULL};

static struct fmagent_view *
view_new(struct fmagent_replica *rep)
{
	struct alarm al = {.alarm_id = "200.004", .entity = "host=compute-1",
		.severity = SEV_MAJOR, .reason_text = "down", .repair = ""};

	fmagent_replica_init(rep, 0);
	for (al.id = 1; al.id < 20; al.id += 3)
		fmagent_replica_alarm(rep, &al, &names);
	(void)fmagent_replica_publish(rep);
	return fmagent_replica_take(rep, NULL);
}

static void
check_answer(const struct fmagent_ax_head *asked, const struct fm_buf *out)
{
	struct fmagent_ax_head h;

	if (out->len == 0) {
		fm_assert(asked->type == FMAGENT_AX_CLEANUPSET);
		return;
	}
	/* Its own reader understands it; the bound is for what is read, answers may be longer. */
	fm_assert(out->len >= FMAGENT_AX_HEAD + 8 && out->len % 4 == 0);
	if (out->len > FMAGENT_AX_HEAD + FMAGENT_AX_MAX)
		return;
	fm_assert(fmagent_ax_head((const uint8_t *)out->s, &h) == 0);
	fm_assert(h.type == FMAGENT_AX_RESPONSE && h.packet == asked->packet);
	fm_assert(h.len == out->len - FMAGENT_AX_HEAD);
	fm_assert(fmagent_ax_result(&h, (const uint8_t *)out->s + FMAGENT_AX_HEAD) >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fmagent_replica rep;
	struct fmagent_reader rd = {.event = NULL};
	struct fmagent_ax_head h;
	struct fm_buf out = {0};

	if (size < FMAGENT_AX_HEAD || fmagent_ax_head(data, &h) < 0
	    || h.len > size - FMAGENT_AX_HEAD)
		return 0;
	struct fmagent_view *view = view_new(&rep);

	fmagent_reader_set(&rd, view);
	if (fmagent_ax_answer(&rd, SESSION, &h, data + FMAGENT_AX_HEAD, &out) == 0)
		check_answer(&h, &out);
	else
		fm_assert(out.len == 0);
	(void)!fmagent_ax_result(&h, data + FMAGENT_AX_HEAD);
	fm_buf_fini(&out);
	fmagent_reader_set(&rd, NULL);
	fmagent_replica_fini(&rep, view);
	return 0;
}
