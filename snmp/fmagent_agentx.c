/*
 * Messages of AgentX (RFC 2741), read and written; answers to requests are made here, from a view.
 * Pure: bytes in, bytes out, no socket, no clock. Why not net-snmp's own subagent: its calls wait
 * for the master (docs/adr/0012).
 *
 * We write network byte order; what is read may have either (§6.1).
 */
#include "snmp/fmagent_table_priv.h"

#include <stdlib.h>

#define VERSION 1
#define FLAG_CONTEXT 0x08u              /* NON_DEFAULT_CONTEXT */
#define FLAG_NETWORK 0x10u              /* NETWORK_BYTE_ORDER */
#define PRIORITY 127                    /* §6.2.3: the default */
/* What one answer to GETBULK grows to before it is cut at the end of a repetition. */
#define BULK_OCTETS 60000u
#define BULK_RANGES 256u                /* SNMP over UDP has room for fewer, but nobody says so */

/* Types of values and what stands for a value (§5.4) */
enum { AX_INTEGER = 2, AX_STRING = 4, AX_NO_OBJECT = 128, AX_NO_INSTANCE = 129, AX_END = 130 };

/* res.error (§6.2.16, RFC 3416 §3) */
enum {
	ERR_NONE = 0, ERR_GENERAL = 5, ERR_COMMIT = 14, ERR_UNDO = 15, ERR_NOT_WRITABLE = 17,
	ERR_NOT_OPEN = 257, ERR_CONTEXT = 262,
};

/* ---- reading -------------------------------------------------------------------------------- */

/* Once bad it stays bad and gives zeros. */
struct input {
	const uint8_t *p, *end;
	bool network, bad;
};

static const uint8_t *
take(struct input *in, size_t n)
{
	static const uint8_t zeros[4];
	const uint8_t *p = in->p;

	if (in->bad || (size_t)(in->end - p) < n) {
		in->bad = true;
		return zeros;
	}
	in->p += n;
	return p;
}

static uint32_t
get32(struct input *in)
{
	const uint8_t *p = take(in, 4);

	if (in->network)
		return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint32_t
get16(struct input *in)
{
	const uint8_t *p = take(in, 2);

	return in->network ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

/* §5.1; a prefix stands for 1.3.6.1.prefix. */
static void
get_oid(struct input *in, struct fmagent_oid *ret)
{
	static const uint32_t internet[] = {1, 3, 6, 1};
	const uint8_t *head = take(in, 4);
	unsigned n = head[0];
	uint32_t prefix = head[1];

	ret->include = head[2] != 0;
	ret->n = 0;
	if (prefix != 0) {
		memcpy(ret->arc, internet, sizeof(internet));
		ret->arc[4] = prefix;
		ret->n = 5;
	}
	if (ret->n + n > FMAGENT_MAX_ARCS)
		in->bad = true;
	for (unsigned i = 0; i < n && !in->bad; i++)
		ret->arc[ret->n++] = get32(in);
}

int
fmagent_ax_head(const uint8_t p[FMAGENT_AX_HEAD], struct fmagent_ax_head *ret)
{
	struct input in = {.p = p + 4, .end = p + FMAGENT_AX_HEAD,
		.network = (p[2] & FLAG_NETWORK) != 0};

	if (p[0] != VERSION)
		return -EBADMSG;
	ret->type = p[1];
	ret->flags = p[2];
	ret->session = get32(&in);
	ret->transaction = get32(&in);
	ret->packet = get32(&in);
	ret->len = get32(&in);
	return ret->len <= FMAGENT_AX_MAX && ret->len % 4 == 0 ? 0 : -EBADMSG;
}

static struct input
input_of(const struct fmagent_ax_head *h, const uint8_t *payload)
{
	return (struct input){.p = payload, .end = payload + h->len,
		.network = (h->flags & FLAG_NETWORK) != 0};
}

int
fmagent_ax_result(const struct fmagent_ax_head *h, const uint8_t *payload)
{
	struct input in = input_of(h, payload);

	(void)get32(&in);               /* sysUpTime of the master */
	uint32_t error = get16(&in);
	return in.bad ? -EBADMSG : (int)error;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void
put32(struct fm_buf *out, uint32_t v)
{
	const uint8_t b[] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	fm_buf_add(out, b, sizeof(b));
}

static void
put8(struct fm_buf *out, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	const uint8_t v[] = {a, b, c, d};

	fm_buf_add(out, v, sizeof(v));
}

static void
put_oid(struct fm_buf *out, const struct fmagent_oid *oid)
{
	put8(out, (uint8_t)oid->n, 0, oid->include, 0);
	for (unsigned i = 0; i < oid->n; i++)
		put32(out, oid->arc[i]);
}

static void
put_string(struct fm_buf *out, const void *p, uint32_t len)
{
	put32(out, len);
	fm_buf_add(out, p, len);
	fm_buf_add(out, "\0\0\0", (4 - len % 4) % 4);
}

/* Returns where the message begins, for end. */
static size_t
begin(struct fm_buf *out, enum fmagent_ax_type type, const struct fmagent_ax_head *h)
{
	size_t start = out->len;

	put8(out, VERSION, (uint8_t)type, FLAG_NETWORK, 0);
	put32(out, h->session);
	put32(out, h->transaction);
	put32(out, h->packet);
	put32(out, 0);
	return start;
}

static void
end(struct fm_buf *out, size_t start)
{
	uint32_t len = (uint32_t)(out->len - start - FMAGENT_AX_HEAD);
	const uint8_t b[] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
		(uint8_t)len};

	memcpy(out->s + start + 16, b, sizeof(b));
}

void
fmagent_ax_open(struct fm_buf *out, uint32_t packet)
{
	size_t start = begin(out, FMAGENT_AX_OPEN, &(struct fmagent_ax_head){.packet = packet});

	put8(out, 0, 0, 0, 0);          /* the master's own time-out */
	put_oid(out, &(struct fmagent_oid){.n = 0});
	put_string(out, "fmd", 3);
	end(out, start);
}

void
fmagent_ax_register(struct fm_buf *out, uint32_t session, uint32_t packet,
		    const struct fmagent_oid *root)
{
	size_t start = begin(out, FMAGENT_AX_REGISTER, &(struct fmagent_ax_head){
		.session = session, .packet = packet});

	put8(out, 0, PRIORITY, 0, 0);   /* time-out as said at opening, no range of subtrees */
	put_oid(out, root);
	end(out, start);
}

void
fmagent_ax_ping(struct fm_buf *out, uint32_t session, uint32_t packet)
{
	end(out, begin(out, FMAGENT_AX_PING, &(struct fmagent_ax_head){
		.session = session, .packet = packet}));
}

void
fmagent_ax_close(struct fm_buf *out, uint32_t session, uint32_t packet)
{
	size_t start = begin(out, FMAGENT_AX_CLOSE, &(struct fmagent_ax_head){
		.session = session, .packet = packet});

	put8(out, 5, 0, 0, 0);          /* reasonShutdown */
	end(out, start);
}

/* ---- answers -------------------------------------------------------------------------------- */

static void
put_place(struct fmagent_reader *rd, const struct fmagent_place *at, struct fm_buf *out)
{
	struct fmagent_value v;
	struct fmagent_oid name;

	fmagent_mib_value(rd, at, &v);
	fmagent_mib_name(rd->view, at, &name);
	put8(out, 0, v.text != NULL ? AX_STRING : AX_INTEGER, 0, 0);
	put_oid(out, &name);
	if (v.text != NULL)
		put_string(out, v.text, v.len);
	else
		put32(out, (uint32_t)v.num);
}

static void
put_nothing(uint8_t why, struct fmagent_oid *name, struct fm_buf *out)
{
	name->include = false;
	put8(out, 0, why, 0, 0);
	put_oid(out, name);
}

static size_t
begin_response(struct fm_buf *out, const struct fmagent_ax_head *h, uint16_t error, uint16_t index)
{
	size_t start = begin(out, FMAGENT_AX_RESPONSE, h);

	put32(out, 0);                  /* sysUpTime: the master has its own */
	put8(out, (uint8_t)(error >> 8), (uint8_t)error, (uint8_t)(index >> 8), (uint8_t)index);
	return start;
}

static int
refuse(struct fm_buf *out, const struct fmagent_ax_head *h, uint16_t error, uint16_t index)
{
	end(out, begin_response(out, h, error, index));
	return 0;
}

static void
put_get(struct fmagent_reader *rd, struct fmagent_oid *name, struct fm_buf *out)
{
	struct fmagent_place at;

	switch (fmagent_mib_get(rd->view, name, &at)) {
	case FMAGENT_FOUND:
		put_place(rd, &at, out);
		break;
	case FMAGENT_NO_OBJECT:
		put_nothing(AX_NO_OBJECT, name, out);
		break;
	case FMAGENT_NO_INSTANCE:
	case FMAGENT_END:
		put_nothing(AX_NO_INSTANCE, name, out);
		break;
	}
}

/* Moves start to what was found; false at the end of the range. */
static bool
put_next(struct fmagent_reader *rd, struct fmagent_oid *start, const struct fmagent_oid *last,
	 struct fm_buf *out)
{
	struct fmagent_place at;
	struct fmagent_oid name;
	bool found = fmagent_mib_next(rd->view, start, &at) == FMAGENT_FOUND;

	if (found) {
		fmagent_mib_name(rd->view, &at, &name);
		found = last->n == 0 || fmagent_oid_cmp(&name, last) < 0;
	}
	if (!found) {
		put_nothing(AX_END, start, out);
		return false;
	}
	put_place(rd, &at, out);
	*start = name;
	return true;
}

static int
answer_ranges(struct fmagent_reader *rd, const struct fmagent_ax_head *h, struct input *in,
	      struct fm_buf *out)
{
	size_t start = begin_response(out, h, ERR_NONE, 0);
	struct fmagent_oid from, last;

	while (in->p < in->end && !in->bad) {
		get_oid(in, &from);
		get_oid(in, &last);
		if (in->bad)
			break;
		if (h->type == FMAGENT_AX_GET)
			put_get(rd, &from, out);
		else
			(void)put_next(rd, &from, &last, out);
	}
	if (in->bad) {
		out->len = start;
		return -EBADMSG;
	}
	end(out, start);
	return 0;
}

struct range {
	struct fmagent_oid from, last;
};

/* Repetitions go round the ranges until the count, the size or the end of all of them. */
static void
put_repetitions(struct fmagent_reader *rd, struct range *r, unsigned n, uint32_t count,
		struct fm_buf *out)
{
	size_t start = out->len;
	bool more = n > 0;

	for (uint32_t k = 0; k < count && more && out->len - start < BULK_OCTETS; k++) {
		more = false;
		for (unsigned i = 0; i < n; i++)
			more |= put_next(rd, &r[i].from, &r[i].last, out);
	}
}

static int
answer_bulk(struct fmagent_reader *rd, const struct fmagent_ax_head *h, struct input *in,
	    struct fm_buf *out)
{
	uint32_t once = get16(in), count = get16(in);
	FM_CLEANUP(fm_freep) struct range *r = fm_calloc(BULK_RANGES, sizeof(*r));
	unsigned n = 0;

	for (; in->p < in->end && !in->bad && n < BULK_RANGES; n++) {
		get_oid(in, &r[n].from);
		get_oid(in, &r[n].last);
	}
	if (in->bad)
		return -EBADMSG;
	if (in->p < in->end)
		return refuse(out, h, ERR_GENERAL, 0);
	once = once < n ? once : n;
	size_t start = begin_response(out, h, ERR_NONE, 0);

	for (unsigned i = 0; i < once; i++)
		(void)put_next(rd, &r[i].from, &r[i].last, out);
	put_repetitions(rd, r + once, n - once, count, out);
	end(out, start);
	return 0;
}

static bool
is_request(uint8_t type)
{
	return (type >= FMAGENT_AX_GET && type <= FMAGENT_AX_CLEANUPSET) || type == FMAGENT_AX_PING;
}

int
fmagent_ax_answer(struct fmagent_reader *rd, uint32_t session, const struct fmagent_ax_head *h,
		  const uint8_t *payload, struct fm_buf *out)
{
	struct input in = input_of(h, payload);

	if (!is_request(h->type))
		return -EBADMSG;
	if (h->session != session)
		return refuse(out, h, ERR_NOT_OPEN, 0);
	if ((h->flags & FLAG_CONTEXT) != 0)
		return refuse(out, h, ERR_CONTEXT, 0);
	switch (h->type) {
	case FMAGENT_AX_GET:
	case FMAGENT_AX_GETNEXT:
		return answer_ranges(rd, h, &in, out);
	case FMAGENT_AX_GETBULK:
		return answer_bulk(rd, h, &in, out);
	case FMAGENT_AX_TESTSET:
		return refuse(out, h, ERR_NOT_WRITABLE, 1);
	case FMAGENT_AX_COMMITSET:
		return refuse(out, h, ERR_COMMIT, 1);
	case FMAGENT_AX_UNDOSET:
		return refuse(out, h, ERR_UNDO, 1);
	}
	/* CleanupSet has no answer (§7.2.4.4); a ping has nothing but the answer. */
	return h->type == FMAGENT_AX_PING ? refuse(out, h, ERR_NONE, 0) : 0;
}
