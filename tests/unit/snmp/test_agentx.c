/* Messages as RFC 2741 draws them, octet by octet, in both byte orders. */
#include "table_rig.h"

#define SESSION 7u

struct rig {
	struct fmagent_replica rep;
	struct fmagent_view *view;
	struct fmagent_reader rd;
	bool network;
	struct fm_buf in, out;
};

static void
rig_init(struct rig *r, uint64_t n_alarms)
{
	*r = (struct rig){.network = true};
	fmagent_replica_init(&r->rep, 0);
	for (uint64_t n = 1; n <= n_alarms; n++)
		rig_show_alarm(&r->rep, n);
	r->view = rig_view(&r->rep, NULL);
	fmagent_reader_set(&r->rd, r->view);
}

static void
rig_fini(struct rig *r)
{
	fmagent_reader_set(&r->rd, NULL);
	fmagent_replica_fini(&r->rep, r->view);
	fm_buf_fini(&r->in);
	fm_buf_fini(&r->out);
}

/* ---- a master ----------------------------------------------------------------------------- */

static void
put(struct rig *r, uint32_t v, unsigned len)
{
	for (unsigned i = 0; i < len; i++) {
		uint8_t b = (uint8_t)(v >> 8 * (r->network ? len - 1 - i : i));

		fm_buf_add(&r->in, &b, 1);
	}
}

/* With the prefix 4: 1.3.6.1.4. */
static void
put_oid(struct rig *r, bool include, const uint32_t *arc, unsigned n)
{
	put(r, n, 1);
	put(r, n > 0 ? 4 : 0, 1);
	put(r, include, 1);
	put(r, 0, 1);
	for (unsigned i = 0; i < n; i++)
		put(r, arc[i], 4);
}
#define PUT_OID(r, include, ...) put_oid(r, include, (const uint32_t[]){__VA_ARGS__}, \
	FM_ARRAY_LEN(((const uint32_t[]){__VA_ARGS__})))
#define ALARM 1, 731, 1, 1, 1, 1, 1, 1

static void
put_null(struct rig *r)
{
	put_oid(r, false, NULL, 0);
}

static int
ask(struct rig *r, uint8_t type, uint8_t flags, uint32_t session)
{
	const struct fmagent_ax_head h = {.type = type, .session = session, .transaction = 11,
		.packet = 13, .len = (uint32_t)r->in.len,
		.flags = (uint8_t)(flags | (r->network ? 0x10 : 0))};

	fm_buf_reset(&r->out);
	return fmagent_ax_answer(&r->rd, SESSION, &h, (const uint8_t *)(r->in.len > 0 ? r->in.s :
		""), &r->out);
}

/* ---- what came back ------------------------------------------------------------------------ */

static uint32_t
out32(const struct rig *r, size_t at)
{
	const uint8_t *p = (const uint8_t *)r->out.s + at;

	cr_assert_leq(at + 4, r->out.len);
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
expect_response(const struct rig *r, uint32_t error)
{
	const uint8_t head[] = {1, FMAGENT_AX_RESPONSE, 0x10, 0};

	cr_assert_geq(r->out.len, 28);
	cr_assert_arr_eq(r->out.s, head, sizeof(head));
	cr_assert_eq(out32(r, 8), 11);
	cr_assert_eq(out32(r, 12), 13);
	cr_assert_eq(out32(r, 16), r->out.len - 20);
	cr_assert_eq(out32(r, 20), 0);
	cr_assert_eq(out32(r, 24) >> 16, error);
}

struct got {
	uint16_t type;
	uint32_t col, row;              /* the last two arcs of a whole instance */
	uint32_t len;                   /* or the number */
};

/* The variable bindings; returns how many. */
static unsigned
bindings(const struct rig *r, struct got *ret, unsigned max)
{
	unsigned n = 0;

	for (size_t at = 28; at < r->out.len; n++) {
		cr_assert_lt(n, max);
		ret[n] = (struct got){.type = (uint16_t)(out32(r, at) >> 16)};
		uint32_t arcs = out32(r, at + 4) >> 24;

		at += 8 + 4 * arcs;
		if (arcs == 15) {
			ret[n].col = out32(r, at - 8);
			ret[n].row = out32(r, at - 4);
		}
		if (ret[n].type != 2 && ret[n].type != 4)
			continue;
		ret[n].len = out32(r, at);
		at += 4 + (ret[n].type == 4 ? (ret[n].len + 3) / 4 * 4 : 0);
	}
	return n;
}

static void
expect_binding(const struct got *g, uint16_t type, uint32_t col, uint32_t row)
{
	cr_assert_eq(g->type, type);
	cr_assert_eq(g->col, col);
	cr_assert_eq(g->row, row);
}

Test(agentx, a_header_is_read_in_either_byte_order)
{
	const uint8_t network[20] = {1, 5, 0x10, 0, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 1, 0};
	const uint8_t little[20] = {1, 5, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0, 0, 1, 0, 0};
	const uint8_t *const both[] = {network, little};

	for (int i = 0; i < 2; i++) {
		struct fmagent_ax_head h;

		cr_assert_eq(fmagent_ax_head(both[i], &h), 0);
		cr_assert(h.type == 5 && h.session == 7 && h.transaction == 8 && h.packet == 9
			  && h.len == 256);
	}
}

Test(agentx, a_header_of_another_version_or_too_long_is_refused)
{
	uint8_t p[20] = {2, 5, 0x10};
	struct fmagent_ax_head h;

	cr_assert_eq(fmagent_ax_head(p, &h), -EBADMSG);
	p[0] = 1;
	cr_assert_eq(fmagent_ax_head(p, &h), 0);
	p[17] = 4;                      /* FMAGENT_AX_MAX */
	cr_assert_eq(fmagent_ax_head(p, &h), 0);
	p[19] = 4;
	cr_assert_eq(fmagent_ax_head(p, &h), -EBADMSG);
	p[17] = 0;
	p[19] = 2;
	cr_assert_eq(fmagent_ax_head(p, &h), -EBADMSG, "lengths are multiples of four");
}

Test(agentx, opening_and_registering_look_as_the_rfc_has_them)
{
	struct fm_buf out = {0};
	struct fmagent_oid root;
	const uint8_t open[] = {1, 1, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 16,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 'f', 'm', 'd', 0};
	const uint8_t reg[] = {1, 3, 0x10, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 56,
		0, 127, 0, 0, 12, 0, 0, 0, 0, 0, 0, 1};

	fmagent_ax_open(&out, 3);
	cr_assert_eq(out.len, sizeof(open));
	cr_assert_arr_eq(out.s, open, sizeof(open));
	fm_buf_reset(&out);
	fmagent_mib_root(0, &root);
	fmagent_ax_register(&out, SESSION, 4, &root);
	cr_assert_eq(out.len, 20 + 56);
	cr_assert_arr_eq(out.s, reg, sizeof(reg));
	fm_buf_fini(&out);
}

static void
expect_get(bool network)
{
	struct rig r;
	struct got got[4];

	rig_init(&r, 3);
	r.network = network;
	PUT_OID(&r, false, ALARM, 3, 2);
	put_null(&r);
	PUT_OID(&r, false, ALARM, 6, 3);
	put_null(&r);
	PUT_OID(&r, false, ALARM, 3, 4);
	put_null(&r);
	PUT_OID(&r, false, ALARM, 1, 1);
	put_null(&r);
	cr_assert_eq(ask(&r, FMAGENT_AX_GET, 0, SESSION), 0);
	expect_response(&r, 0);
	cr_assert_eq(bindings(&r, got, 4), 4);
	expect_binding(&got[0], 4, 3, 2);
	cr_assert_eq(got[0].len, 7);
	expect_binding(&got[1], 2, 6, 3);
	cr_assert_eq(got[1].len, 4);
	expect_binding(&got[2], 129, 3, 4);
	expect_binding(&got[3], 128, 1, 1);
	rig_fini(&r);
}

Test(agentx, get_answers_each_name_with_its_value_or_why_there_is_none)
{
	expect_get(true);
	expect_get(false);
}

Test(agentx, getnext_keeps_to_its_range)
{
	struct rig r;
	struct got got[4];

	rig_init(&r, 3);
	PUT_OID(&r, false, ALARM, 3, 2);
	PUT_OID(&r, false, ALARM, 3, 4);
	PUT_OID(&r, false, ALARM, 3, 2);
	PUT_OID(&r, false, ALARM, 3, 3);
	PUT_OID(&r, true, ALARM, 3, 2);
	PUT_OID(&r, false, ALARM, 3, 3);
	PUT_OID(&r, false, ALARM, 12, 3);
	put_null(&r);
	cr_assert_eq(ask(&r, FMAGENT_AX_GETNEXT, 0, SESSION), 0);
	expect_response(&r, 0);
	cr_assert_eq(bindings(&r, got, 4), 4);
	expect_binding(&got[0], 4, 3, 3);
	expect_binding(&got[1], 130, 3, 2);
	expect_binding(&got[2], 4, 3, 2);
	expect_binding(&got[3], 130, 12, 3);
	rig_fini(&r);
}

Test(agentx, getbulk_repeats_what_is_to_be_repeated)
{
	struct rig r;
	struct got got[16];

	rig_init(&r, 3);
	put(&r, 1, 2);
	put(&r, 3, 2);
	for (uint32_t col = 2; col < 5; col++) {
		PUT_OID(&r, false, ALARM, col);
		PUT_OID(&r, false, ALARM, col + 1);
	}
	cr_assert_eq(ask(&r, FMAGENT_AX_GETBULK, 0, SESSION), 0);
	expect_response(&r, 0);
	cr_assert_eq(bindings(&r, got, 16), 1 + 2 * 3);
	expect_binding(&got[0], 4, 2, 1);
	for (uint32_t i = 0; i < 6; i++)
		expect_binding(&got[1 + i], 4, 3 + i % 2, 1 + i / 2);
	rig_fini(&r);
}

Test(agentx, getbulk_ends_with_its_ranges_and_with_its_size)
{
	struct rig r;
	static struct got got[2000];

	rig_init(&r, 2000);
	put(&r, 0, 2);
	put(&r, UINT16_MAX, 2);
	PUT_OID(&r, false, ALARM, 2, 1998);
	PUT_OID(&r, false, ALARM, 3);
	cr_assert_eq(ask(&r, FMAGENT_AX_GETBULK, 0, SESSION), 0);
	cr_assert_eq(bindings(&r, got, 2000), 3);
	expect_binding(&got[1], 4, 2, 2000);
	expect_binding(&got[2], 130, 2, 2000);
	fm_buf_reset(&r.in);
	put(&r, 0, 2);
	put(&r, UINT16_MAX, 2);
	PUT_OID(&r, false, ALARM);
	put_null(&r);
	cr_assert_eq(ask(&r, FMAGENT_AX_GETBULK, 0, SESSION), 0);
	cr_assert_gt(bindings(&r, got, 2000), 400);
	cr_assert_lt(r.out.len, 61000);
	rig_fini(&r);
}

Test(agentx, sets_are_refused_and_cleanup_has_no_answer)
{
	struct rig r;
	const struct {
		uint8_t type;
		uint32_t error;
	} cases[] = {{FMAGENT_AX_TESTSET, 17}, {FMAGENT_AX_COMMITSET, 14}, {FMAGENT_AX_UNDOSET, 15}};

	rig_init(&r, 1);
	for (size_t i = 0; i < FM_ARRAY_LEN(cases); i++) {
		cr_assert_eq(ask(&r, cases[i].type, 0, SESSION), 0);
		expect_response(&r, cases[i].error);
	}
	cr_assert_eq(ask(&r, FMAGENT_AX_CLEANUPSET, 0, SESSION), 0);
	cr_assert_eq(r.out.len, 0);
	rig_fini(&r);
}

Test(agentx, other_sessions_and_contexts_are_refused)
{
	struct rig r;

	rig_init(&r, 1);
	cr_assert_eq(ask(&r, FMAGENT_AX_GET, 0, SESSION + 1), 0);
	expect_response(&r, 257);
	cr_assert_eq(ask(&r, FMAGENT_AX_GET, 0x08, SESSION), 0);
	expect_response(&r, 262);
	rig_fini(&r);
}

Test(agentx, what_is_cut_short_or_no_request_gets_no_answer)
{
	struct rig r;

	rig_init(&r, 1);
	PUT_OID(&r, false, ALARM, 2, 1);
	PUT_OID(&r, false, ALARM, 2, 2);
	const size_t whole = r.in.len;

	for (size_t cut = 4; cut < whole; cut += 4) {
		r.in.len = cut;
		cr_assert_eq(ask(&r, FMAGENT_AX_GETNEXT, 0, SESSION), -EBADMSG, "cut at %zu", cut);
		cr_assert_eq(r.out.len, 0);
	}
	r.in.len = 0;
	put(&r, 200, 1);                /* arcs, more than there can be */
	put(&r, 0, 3);
	for (int i = 0; i < 250; i++)
		put(&r, 1, 4);
	cr_assert_eq(ask(&r, FMAGENT_AX_GET, 0, SESSION), -EBADMSG);
	r.in.len = 0;
	cr_assert_eq(ask(&r, 12, 0, SESSION), -EBADMSG, "a notify is not for us");
	cr_assert_eq(ask(&r, 0, 0, SESSION), -EBADMSG);
	rig_fini(&r);
}
