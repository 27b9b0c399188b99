/*
 * One destination on the snmp thread: its session, and at most one inform in flight, which is what
 * keeps them in order. It never waits: whatever takes time is answered in a callback.
 *
 *             open failed: failure
 *            +-----+
 *            v     |
 *   +------ CLOSED + <--------------------------------------------+
 *   |         |                                                   |
 *   | (1)     | (2) v3 inform: ask who the receiver's engine is   | no answer, report, send
 *   |         v                                                   | error, refusal: failure
 *   |    DISCOVERING --------------------------------------------->
 *   |         | (3) its engine id: make the user's keys           |
 *   v         v                                                   |
 *   READY <---+ --(4) inform sent--> WAITING ---------------------+
 *     ^  |                              |
 *     |  +-(6) trap sent: delivered     | (5) response: delivered
 *     +---------------------------------+
 *
 * After a failure nothing more of the same generation is sent: main disowns what it had queued
 * and offers it again, in order, after a back-off. The session is closed even where it might do,
 * because a receiver that was replaced has another engine id.
 *
 * Traps v3: we are the authoritative engine, so there is nothing to discover. Discovery by hand
 * because the library's own waits for the answer inside snmp_sess_open.
 */
#include <fcntl.h>
#include <stdio.h>

#include "snmp/fmagent_net_priv.h"

/*
 * A storm goes out at 500 traps a second after the first 32: a receiver's default socket buffer
 * holds about 200 of them, and UDP drops the rest without a word.
 */
#define TRAP_GAP_NS (2 * FM_NS_PER_MS)
#define TRAP_BURST 32

static enum fmagent_phase
phase_of(const struct fmagent_dest *d)
{
	return (enum fmagent_phase)atomic_load_explicit(&d->phase, memory_order_relaxed);
}

static void
set_phase(struct fmagent_dest *d, enum fmagent_phase phase)
{
	atomic_store_explicit(&d->phase, (int)phase, memory_order_relaxed);
}

/* ---- telling main ---------------------------------------------------------------------------- */

static bool
is_stale(const struct fmagent_dest *d, uint32_t gen)
{
	return gen != atomic_load_explicit(&d->gen, memory_order_acquire)
		|| (d->peer.has_dead && gen == d->peer.dead_gen);
}

static void
report(struct fmagent_dest *d, uint64_t seq, uint32_t gen, const char *failure)
{
	if (is_stale(d, gen))
		return;
	/* There is room: a window for this generation and one that slipped in behind (disown). */
	struct fmagent_report *r = fmagent_ring_slot(&d->out);
	fm_assert(r != NULL);
	*r = (struct fmagent_report){.seq = seq, .gen = gen, .failed = failure != NULL};
	if (failure != NULL)
		snprintf(r->why, sizeof(r->why), "target %s: %s", d->conf.name, failure);
	fmagent_ring_push(&d->out);
	fmagent_signal(d->ag->done_fd);
}

static void
delivered(struct fmagent_dest *d, uint64_t seq, uint32_t gen)
{
	const struct fmagent_notice *n = fmagent_ring_peek(&d->in);

	fmagent_count(&d->ag->acked);
	report(d, seq, gen, NULL);
	if (n != NULL && n->seq == seq && n->gen == gen)
		fmagent_ring_pop(&d->in);
}

static void FM_PRINTF(2, 3)
failed(struct fmagent_dest *d, const char *fmt, ...)
{
	char why[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	d->peer.broken = true;
	report(d, d->peer.sent_seq, d->peer.sent_gen, why);
	d->peer.has_dead = true;
	d->peer.dead_gen = d->peer.sent_gen;
}

/* ---- answers ------------------------------------------------------------------------------ */

/* USM's and the dispatcher's counters (RFC 3414 §5, RFC 3412 §5), in words for the operator. */
static const struct report_word {
	int type;
	const char *name, *meaning;
} report_words[] = {
	{SNMPERR_UNKNOWN_USER_NAME, "usmStatsUnknownUserNames",
		"the receiver does not know user"},
	{SNMPERR_AUTHENTICATION_FAILURE, "usmStatsWrongDigests",
		"the receiver has another authentication pass phrase or protocol for user"},
	{SNMPERR_DECRYPTION_ERR, "usmStatsDecryptionErrors",
		"the receiver has another privacy pass phrase or protocol for user"},
	{SNMPERR_UNSUPPORTED_SEC_LEVEL, "usmStatsUnsupportedSecLevels",
		"the receiver does not allow this security level for user"},
	{SNMPERR_NOT_IN_TIME_WINDOW, "usmStatsNotInTimeWindows",
		"the clocks of the engines do not agree for user"},
	{SNMPERR_UNKNOWN_ENG_ID, "usmStatsUnknownEngineIDs",
		"the receiver has become another engine, for user"},
	{SNMPERR_UNKNOWN_SEC_MODEL, "snmpUnknownSecurityModels",
		"the receiver does not speak USM, for user"},
	{SNMPERR_INVALID_MSG, "snmpInvalidMsgs",
		"the receiver found the message invalid for user"},
	{SNMPERR_BAD_VERSION, "snmpUnknownPDUHandlers",
		"the receiver takes no informs from user"},
	{SNMPERR_BAD_CONTEXT, "snmpUnknownContexts",
		"the receiver does not know the default context, for user"},
};

static void
reported(struct fmagent_dest *d, netsnmp_pdu *pdu)
{
	int type = snmpv3_get_report_type(pdu);

	for (size_t i = 0; i < FM_ARRAY_LEN(report_words); i++)
		if (report_words[i].type == type) {
			failed(d, "%s: %s %s", report_words[i].name, report_words[i].meaning,
			       d->conf.user);
			return;
		}
	failed(d, "the receiver answered with a report that is not known here");
}

/* Arrow 3. The library has put the engine id of the report into the session. */
static void
discovered(struct fmagent_dest *d, netsnmp_session *sess)
{
	if (sess->securityEngineIDLen == 0)
		failed(d, "the answer to the engine discovery names no engine");
	else if (usm_create_user_from_session(sess) != SNMPERR_SUCCESS)
		failed(d, "the library made no keys for user %s", d->conf.user);
	else
		set_phase(d, FMAGENT_READY);
}

static void
answered(struct fmagent_dest *d, netsnmp_session *sess, netsnmp_pdu *pdu)
{
	if (phase_of(d) == FMAGENT_DISCOVERING) {
		discovered(d, sess);
	} else if (pdu->command == SNMP_MSG_REPORT) {
		fmagent_count(&d->ag->errors);
		reported(d, pdu);
	} else if (pdu->errstat != SNMP_ERR_NOERROR) {
		fmagent_count(&d->ag->errors);
		failed(d, "the receiver refused the inform: %s", snmp_errstring((int)pdu->errstat));
	} else {
		d->peer.proven = true;
		set_phase(d, FMAGENT_READY);
		delivered(d, d->peer.sent_seq, d->peer.sent_gen);
	}
}

/*
 * What silence may mean, as long as nothing in this session was understood; it depends on what the
 * receiver cannot answer. To a wrong community there is no answer (RFC 1157 §4.1). AES has no check
 * of its own, so a receiver with another privacy key finds garbage and most say nothing (RFC 3414
 * knows a report for it, RFC 3826 no way to tell). A user who is known but not allowed to notify is
 * passed over in silence too.
 */
static const char *
hint_of(const struct fmagent_dest *d)
{
	if (d->peer.proven)
		return "";
	if (d->conf.version == FMAGENT_V2C)
		return "; is it up, and does it take informs with this community?";
	if (phase_of(d) == FMAGENT_DISCOVERING)
		return "; is it up, and does it speak SNMPv3?";
	if (d->conf.priv != FMAGENT_PRIV_NONE)
		return ", though it answered the discovery: does it have the same privacy pass"
			" phrase and protocol, and may the user send informs?";
	return ", though it answered the discovery: may the user send informs?";
}

static void
timed_out(struct fmagent_dest *d)
{
	fmagent_count(&d->ag->timeouts);
	failed(d, "no answer to the %s within %lld ms%s",
	       phase_of(d) == FMAGENT_DISCOVERING ? "engine discovery" : "inform",
	       (long long)(d->conf.timeout.ns / FM_NS_PER_MS), hint_of(d));
}

/*
 * The library's. For a report it calls twice, first with OP_SEC_ERROR and then, its session
 * brought up to date, with OP_RECEIVED_MESSAGE; a failure to send is seen by who sends.
 */
static int
on_answer(int op, netsnmp_session *sess, int reqid, netsnmp_pdu *pdu, void *magic)
{
	struct fmagent_dest *d = magic;

	(void)reqid;
	if (d->peer.broken)
		return 1;
	if (op == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE)
		answered(d, sess, pdu);
	else if (op == NETSNMP_CALLBACK_OP_TIMED_OUT)
		timed_out(d);
	return 1;
}

/* ---- opening --------------------------------------------------------------------------------- */

static void
set_v3(netsnmp_session *s, const struct fmagent_conf *c, struct fmagent_engine *eng)
{
	s->version = SNMP_VERSION_3;
	s->securityModel = SNMP_SEC_MODEL_USM;
	s->securityLevel = c->auth == FMAGENT_AUTH_NONE ? SNMP_SEC_LEVEL_NOAUTH :
		c->priv == FMAGENT_PRIV_NONE ? SNMP_SEC_LEVEL_AUTHNOPRIV : SNMP_SEC_LEVEL_AUTHPRIV;
	s->securityName = c->user;
	s->securityNameLen = strlen(c->user);
	/* The session copies the names of the protocols; its fields lack the const. */
	const oid *auth = fmagent_auth_oid(c->auth, &s->securityAuthProtoLen);
	const oid *priv = fmagent_priv_oid(c->priv, &s->securityPrivProtoLen);
	s->securityAuthProto = snmp_duplicate_objid(auth, s->securityAuthProtoLen);
	s->securityPrivProto = snmp_duplicate_objid(priv, s->securityPrivProtoLen);
	memcpy(s->securityAuthKey, c->auth_key, c->auth_key_len);
	s->securityAuthKeyLen = c->auth_key_len;
	memcpy(s->securityPrivKey, c->priv_key, c->priv_key_len);
	s->securityPrivKeyLen = c->priv_key_len;
	/* The data is ours in either case; for traps so is the clock. */
	s->contextEngineID = eng->id;
	s->contextEngineIDLen = eng->len;
	if (!c->inform) {
		s->securityEngineID = eng->id;
		s->securityEngineIDLen = eng->len;
	}
}

static void
wipe(netsnmp_session *s)
{
	free(s->securityAuthProto);
	free(s->securityPrivProto);
	explicit_bzero(s, sizeof(*s));
}

static void *
open_session(struct fmagent_dest *d)
{
	netsnmp_session s;

	snmp_sess_init(&s);
	s.peername = d->conf.address;
	s.retries = 0;
	s.timeout = (long)(d->conf.timeout.ns / FM_NS_PER_US);
	s.flags |= SNMP_FLAGS_DONT_PROBE;
	if (d->conf.version == FMAGENT_V3) {
		set_v3(&s, &d->conf, &d->ag->engine);
	} else {
		s.version = SNMP_VERSION_2c;
		s.community = (u_char *)d->conf.community;
		s.community_len = strlen(d->conf.community);
	}
	void *sess = snmp_sess_open(&s);
	if (sess == NULL) {
		char *text = NULL;
		snmp_error(&s, NULL, NULL, &text);
		failed(d, "cannot open a session: %s", text != NULL ? text : "no reason given");
		free(text);
	}
	if (d->conf.version == FMAGENT_V3)
		wipe(&s);
	return sess;
}

/* Arrow 2: a message to nobody in particular, which RFC 3414 §4 has answered with a report. */
static void
discover(struct fmagent_dest *d)
{
	netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GET);

	if (pdu == NULL) {
		failed(d, "out of memory");
		return;
	}
	pdu->version = SNMP_VERSION_3;
	pdu->securityModel = SNMP_SEC_MODEL_USM;
	pdu->securityLevel = SNMP_SEC_LEVEL_NOAUTH;
	pdu->securityName = strdup("");
	set_phase(d, FMAGENT_DISCOVERING);
	if (snmp_sess_async_send(d->peer.session, pdu, on_answer, d) == 0) {
		snmp_free_pdu(pdu);
		failed(d, "cannot send the engine discovery: %s",
		       strerror(snmp_sess_session(d->peer.session)->s_errno));
	}
}

static void
open_peer(struct fmagent_dest *d)
{
	d->peer.session = open_session(d);
	if (d->peer.session == NULL)
		return;

	/* A full socket buffer is a failure like others: this thread serves every target. */
	int fd = snmp_sess_transport(d->peer.session)->sock;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	/* Opening takes the flag away, and without it the first send waits for a discovery. */
	snmp_sess_session(d->peer.session)->flags |= SNMP_FLAGS_DONT_PROBE;
	if (d->conf.version == FMAGENT_V3 && d->conf.inform)
		discover(d);
	else
		set_phase(d, FMAGENT_READY);
}

void
fmagent_peer_close(struct fmagent_dest *d)
{
	if (d->peer.session != NULL)
		snmp_sess_close(d->peer.session);
	d->peer.session = NULL;
	d->peer.broken = d->peer.proven = false;
	set_phase(d, FMAGENT_CLOSED);
}

/* ---- sending -------------------------------------------------------------------------------- */

static uint32_t
uptime(const struct fmagent *ag, int64_t now)
{
	return (uint32_t)((now - ag->started) / (FM_NS_PER_S / 100));
}

static void
send_failed(struct fmagent_dest *d)
{
	netsnmp_session *s = snmp_sess_session(d->peer.session);

	fmagent_count(&d->ag->errors);
	if (s->s_snmp_errno == SNMPERR_BAD_SENDTO)
		failed(d, "cannot send: %s", strerror(s->s_errno));
	else
		failed(d, "cannot send: %s", snmp_api_errstring(s->s_snmp_errno));
}

/* Arrows 4 and 6. n is the head of the ring. */
static void
send_notice(struct fmagent_dest *d, const struct fmagent_notice *n, int64_t now)
{
	netsnmp_pdu *pdu = fmagent_wrs_pdu(n, d->conf.inform, uptime(d->ag, now));

	if (pdu == NULL) {
		failed(d, "out of memory");
		return;
	}
	if (snmp_sess_async_send(d->peer.session, pdu, d->conf.inform ? on_answer : NULL, d) == 0) {
		snmp_free_pdu(pdu);
		send_failed(d);
		return;
	}
	fmagent_count(&d->ag->sent);
	if (d->conf.inform)
		set_phase(d, FMAGENT_WAITING);
	else
		delivered(d, n->seq, n->gen);
}

/* False: the trap must wait until next_send lies no more than the burst ahead. */
static bool
pace(struct fmagent_dest *d, int64_t now)
{
	if (d->conf.inform)
		return true;
	if (d->peer.next_send < now)
		d->peer.next_send = now;
	if (d->peer.next_send - now >= TRAP_BURST * TRAP_GAP_NS)
		return false;
	d->peer.next_send += TRAP_GAP_NS;
	return true;
}

/* One step for the head of the ring; false: nothing more to do before something happens. */
static bool
step(struct fmagent_dest *d, const struct fmagent_notice *n, int64_t now)
{
	switch (phase_of(d)) {
	case FMAGENT_DISCOVERING:
	case FMAGENT_WAITING:
		return false;
	case FMAGENT_CLOSED:
		d->peer.sent_seq = n->seq;
		d->peer.sent_gen = n->gen;
		open_peer(d);
		return true;
	case FMAGENT_READY:
		break;
	}
	if (!pace(d, now))
		return false;
	d->peer.sent_seq = n->seq;
	d->peer.sent_gen = n->gen;
	send_notice(d, n, now);
	return true;
}

void
fmagent_peer_run(struct fmagent_dest *d, int64_t now)
{
	const struct fmagent_notice *n;
	bool more = true;

	while (more) {
		if (d->peer.broken)
			fmagent_peer_close(d);
		n = fmagent_ring_peek(&d->in);
		if (n == NULL)
			break;
		if (is_stale(d, n->gen)) {
			fmagent_ring_pop(&d->in);
			fmagent_signal(d->ag->done_fd);
			continue;
		}
		more = step(d, n, now);
	}
}

int64_t
fmagent_peer_due(struct fmagent_dest *d)
{
	if (d->conf.inform || phase_of(d) != FMAGENT_READY || fmagent_ring_peek(&d->in) == NULL)
		return INT64_MAX;
	return d->peer.next_send - (TRAP_BURST - 1) * TRAP_GAP_NS;
}
