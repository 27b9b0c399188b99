/*
 * The AgentX session with the master agent, snmpd: it registers the tables and answers what is
 * asked. On the snmp thread, which serves the targets too, so nothing here waits: the socket is
 * non-blocking, and whatever the master owes us has a time.
 *
 *   AWAY --connected--> OPENING --session--> REGISTERING --all tables--> SERVING
 *     ^                    |                      |                         |
 *     +--------------------+----------------------+-------------------------+
 *       the socket fails or ends, the master refuses, closes, or owes an answer for too long;
 *       again after a back-off, which begins anew when it served
 *
 * A stopped master is noticed because it does not answer a ping; its socket goes on to take
 * connections for a while, so that the next try ends at OPENING.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "snmp/fmagent_table_priv.h"

#define ANSWER_NS (5 * FM_NS_PER_S)     /* what the master may take for an answer */
#define IDLE_NS (15 * FM_NS_PER_S)      /* of silence, until it is asked for life */
#define BACKOFF_MIN FM_NS_PER_S
#define BACKOFF_MAX (60 * FM_NS_PER_S)
#define READ_OCTETS 65536u
/* Requests wait while more than this is not sent: their number does not make us grow. */
#define OUT_HIGH (512u << 10)
#define N_NEWS 8u

static enum fmagent_master_phase
phase_of(const struct fmagent_master *m)
{
	return (enum fmagent_master_phase)atomic_load_explicit(&m->phase, memory_order_relaxed);
}

static void
set_phase(struct fmagent_master *m, enum fmagent_master_phase phase)
{
	atomic_store_explicit(&m->phase, (int)phase, memory_order_relaxed);
}

/* ---- start and end --------------------------------------------------------------------------- */

int
fmagent_master_path(const char *s, const char **ret, struct fm_err *err)
{
	const char *path = strncmp(s, "unix:", 5) == 0 ? s + 5 : s;

	if (path[0] != '/')
		return fm_fail(err, -EINVAL, "AgentX address \"%s\": must be the path of snmpd's"
			       " socket, like /var/agentx/master", s);
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return fm_fail(err, -EINVAL, "AgentX address \"%s\": longer than a socket's path"
			       " can be", s);
	*ret = path;
	return 0;
}

void
fmagent_master_init(struct fmagent_master *m, const char *path)
{
	*m = (struct fmagent_master){.fd = -1, .backoff = BACKOFF_MIN};
	m->path = path != NULL ? fm_strdup(path) : NULL;
	fmagent_ring_init(&m->news, sizeof(struct fmagent_news), N_NEWS);
}

void
fmagent_master_fini(struct fmagent_master *m)
{
	fmagent_reader_set(&m->rd, NULL);
	fmagent_ring_fini(&m->news);
	fm_freep(&m->path);
}

/* ---- telling main ---------------------------------------------------------------------------- */

static void FM_PRINTF(2, 3)
tell(struct fmagent *ag, const char *fmt, ...)
{
	struct fmagent_news *news = fmagent_ring_slot(&ag->master->news);
	va_list ap;

	if (news == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(news->text, sizeof(news->text), fmt, ap);
	va_end(ap);
	fmagent_ring_push(&ag->master->news);
	fmagent_signal(ag->done_fd);
}

/* ---- coming and going ------------------------------------------------------------------------ */

static void
hang_up(struct fmagent_master *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
	fm_buf_fini(&m->in);
	fm_buf_fini(&m->out);
	m->sent = 0;
	m->asked = false;
	m->n_registered = 0;
	set_phase(m, FMAGENT_MASTER_AWAY);
}

/* Told once until the master has served again. */
static void
lost(struct fmagent *ag, int64_t now, const char *why)
{
	struct fmagent_master *m = ag->master;

	if (phase_of(m) == FMAGENT_MASTER_SERVING) {
		m->backoff = BACKOFF_MIN;
		m->told = false;
	}
	hang_up(m);
	m->due = now + m->backoff;
	m->backoff = m->backoff < BACKOFF_MAX / 2 ? 2 * m->backoff : BACKOFF_MAX;
	if (!m->told)
		tell(ag, "no tables: %s: %s", m->path, why);
	m->told = true;
}

static void
ask(struct fmagent_master *m, int64_t now)
{
	m->asked = true;
	m->due = now + ANSWER_NS;
}

static void
call(struct fmagent *ag, int64_t now)
{
	struct fmagent_master *m = ag->master;
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	memcpy(sa.sun_path, m->path, strlen(m->path) + 1);
	m->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* EAGAIN: its backlog is full, because it does not run. */
	if (m->fd < 0 || connect(m->fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0) {
		lost(ag, now, strerror(errno));
		return;
	}
	fmagent_ax_open(&m->out, ++m->packet);
	set_phase(m, FMAGENT_MASTER_OPENING);
	ask(m, now);
}

/* ---- what the master says -------------------------------------------------------------------- */

static void
register_next(struct fmagent_master *m, int64_t now)
{
	struct fmagent_oid root;

	fmagent_mib_root(m->n_registered, &root);
	fmagent_ax_register(&m->out, m->session, ++m->packet, &root);
	ask(m, now);
}

/* An answer to what we asked. False: lost. */
static bool
answered(struct fmagent *ag, int64_t now, const struct fmagent_ax_head *h, const uint8_t *payload)
{
	struct fmagent_master *m = ag->master;
	char why[96];
	int error = fmagent_ax_result(h, payload);

	if (!m->asked || h->packet != m->packet)
		return true;
	if (error != 0) {
		snprintf(why, sizeof(why), "the master agent refused %s with error %d",
			 phase_of(m) == FMAGENT_MASTER_OPENING ? "the session" :
			 phase_of(m) == FMAGENT_MASTER_REGISTERING ? "a table" : "a ping", error);
		lost(ag, now, why);
		return false;
	}
	m->asked = false;
	m->due = now + IDLE_NS;
	if (phase_of(m) == FMAGENT_MASTER_OPENING) {
		m->session = h->session;
		set_phase(m, FMAGENT_MASTER_REGISTERING);
		register_next(m, now);
	} else if (phase_of(m) == FMAGENT_MASTER_REGISTERING) {
		if (++m->n_registered < FMAGENT_N_TABLES) {
			register_next(m, now);
			return true;
		}
		set_phase(m, FMAGENT_MASTER_SERVING);
		tell(ag, "tables are served through %s", m->path);
	}
	return true;
}

/* One message. False: lost. */
static bool
obey(struct fmagent *ag, int64_t now, const struct fmagent_ax_head *h, const uint8_t *payload)
{
	struct fmagent_master *m = ag->master;

	if (h->type == FMAGENT_AX_RESPONSE)
		return answered(ag, now, h, payload);
	if (h->type == FMAGENT_AX_CLOSE) {
		lost(ag, now, "the master agent closed the session");
		return false;
	}
	if (fmagent_ax_answer(&m->rd, m->session, h, payload, &m->out) < 0) {
		lost(ag, now, "a message that is not of AgentX");
		return false;
	}
	atomic_fetch_add_explicit(&m->requests, 1, memory_order_relaxed);
	if (!m->asked)
		m->due = now + IDLE_NS;
	return true;
}

static size_t
unsent(const struct fmagent_master *m)
{
	return m->out.len - m->sent;
}

/* All whole messages, as long as there is room for answers. False: lost. */
static bool
obey_all(struct fmagent *ag, int64_t now)
{
	struct fmagent_master *m = ag->master;
	size_t at = 0;
	struct fmagent_ax_head h;

	while (m->in.len - at >= FMAGENT_AX_HEAD && unsent(m) < OUT_HIGH) {
		const uint8_t *p = (const uint8_t *)m->in.s + at;

		if (fmagent_ax_head(p, &h) < 0) {
			lost(ag, now, "a message that is not of AgentX");
			return false;
		}
		if (m->in.len - at < FMAGENT_AX_HEAD + h.len)
			break;
		if (!obey(ag, now, &h, p + FMAGENT_AX_HEAD))
			return false;
		at += FMAGENT_AX_HEAD + h.len;
	}
	m->in.len -= at;
	if (at > 0 && m->in.len > 0)
		memmove(m->in.s, m->in.s + at, m->in.len);
	return true;
}

/* ---- the socket ------------------------------------------------------------------------------ */

/* False: lost. */
static bool
hear(struct fmagent *ag, int64_t now)
{
	struct fmagent_master *m = ag->master;
	char buf[READ_OCTETS];
	ssize_t got;

	if (!fmagent_master_reads(m))
		return true;
	got = recv(m->fd, buf, sizeof(buf), 0);
	if (got > 0) {
		fm_buf_add(&m->in, buf, (size_t)got);
		return true;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	lost(ag, now, got == 0 ? "the master agent has ended" : strerror(errno));
	return false;
}

/* False: lost. */
static bool
say(struct fmagent *ag, int64_t now)
{
	struct fmagent_master *m = ag->master;

	if (m->sent > OUT_HIGH) {
		m->out.len = unsent(m);
		memmove(m->out.s, m->out.s + m->sent, m->out.len);
		m->sent = 0;
	}
	while (unsent(m) > 0) {
		ssize_t n = send(m->fd, m->out.s + m->sent, unsent(m), MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n < 0) {
			lost(ag, now, strerror(errno));
			return false;
		}
		m->sent += (size_t)n;
	}
	fm_buf_reset(&m->out);
	m->sent = 0;
	return true;
}

static void
take_view(struct fmagent_replica *rep, struct fmagent_master *m)
{
	const struct fmagent_view *before = m->view;

	m->view = fmagent_replica_take(rep, m->view);
	if (m->view != before)
		fmagent_reader_set(&m->rd, m->view);
}

void
fmagent_master_run(struct fmagent *ag, int64_t now)
{
	struct fmagent_master *m = ag->master;

	if (m->path == NULL)
		return;
	take_view(ag->replica, m);
	if (m->fd < 0 && now >= m->due)
		call(ag, now);
	if (m->fd < 0 || !hear(ag, now) || !obey_all(ag, now))
		return;
	if (now >= m->due && m->asked) {
		lost(ag, now, "the master agent does not answer");
		return;
	}
	if (now >= m->due) {
		fmagent_ax_ping(&m->out, m->session, ++m->packet);
		ask(m, now);
	}
	(void)say(ag, now);
}

void
fmagent_master_close(struct fmagent *ag)
{
	struct fmagent_master *m = ag->master;

	if (phase_of(m) == FMAGENT_MASTER_SERVING) {
		fmagent_ax_close(&m->out, m->session, ++m->packet);
		(void)!say(ag, 0);
	}
	hang_up(m);
}

int64_t
fmagent_master_due(const struct fmagent_master *m)
{
	return m->path != NULL ? m->due : INT64_MAX;
}

bool
fmagent_master_reads(const struct fmagent_master *m)
{
	return m->fd >= 0 && unsent(m) < OUT_HIGH;
}

bool
fmagent_master_writes(const struct fmagent_master *m)
{
	return m->fd >= 0 && unsent(m) > 0;
}
