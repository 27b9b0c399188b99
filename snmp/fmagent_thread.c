/*
 * The snmp thread: waits for work from main, packets and time-outs, and serves every destination
 * and the tables in turn. Nothing in a turn waits, so a dead target or master agent costs the
 * others nothing. The select of net-snmp's "large" sets, since a daemon may have more than 1,024
 * descriptors open.
 */
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "snmp/fmagent_net_priv.h"
#include "snmp/fmagent_table_priv.h"

/* What one sleep waits for. */
struct sleep {
	netsnmp_large_fd_set readable, writable;
	int n_fds;
	int64_t wait;                   /* ns; INT64_MAX: for ever */
};

int64_t
fmagent_monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * FM_NS_PER_S + ts.tv_nsec;
}

void
fmagent_signal(int eventfd)
{
	/* It can fail only when the counter is full, and then the reader is awake already. */
	(void)!write(eventfd, &(uint64_t){1}, sizeof(uint64_t));
}

void
fmagent_count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/*
 * Asked session by session: given several, the library forgets the time-out of one when the next
 * has no request pending.
 */
static void
add_session(struct fmagent_dest *d, struct sleep *s)
{
	struct timeval tv = {0};
	int block = 1;

	if (d->peer.session == NULL)
		return;
	snmp_sess_select_info2(d->peer.session, &s->n_fds, &s->readable, &tv, &block);
	int64_t ns = tv.tv_sec * FM_NS_PER_S + tv.tv_usec * FM_NS_PER_US;
	if (block == 0 && ns < s->wait)
		s->wait = ns;
}

static void
add_due(struct sleep *s, int64_t due, int64_t now)
{
	if (due != INT64_MAX && due - now < s->wait)
		s->wait = due > now ? due - now : 0;
}

static void
add_master(const struct fmagent_master *m, struct sleep *s)
{
	if (fmagent_master_reads(m))
		NETSNMP_LARGE_FD_SET(m->fd, &s->readable);
	if (fmagent_master_writes(m))
		NETSNMP_LARGE_FD_SET(m->fd, &s->writable);
	if (m->fd >= s->n_fds)
		s->n_fds = m->fd + 1;
}

/* Sleeps until something is due or to be read. */
static void
sleep_until_work(struct fmagent *ag, struct sleep *s)
{
	int64_t now = fmagent_monotonic();

	s->n_fds = ag->wake_fd + 1;
	s->wait = INT64_MAX;
	NETSNMP_LARGE_FD_ZERO(&s->readable);
	NETSNMP_LARGE_FD_ZERO(&s->writable);
	NETSNMP_LARGE_FD_SET(ag->wake_fd, &s->readable);
	for (unsigned i = 0; i < ag->n_dests; i++) {
		add_due(s, fmagent_peer_due(&ag->dests[i]), now);
		add_session(&ag->dests[i], s);
	}
	add_due(s, fmagent_master_due(ag->master), now);
	add_master(ag->master, s);
	/* Rounded up, or the last microsecond would be spent turning. */
	int64_t us = s->wait == INT64_MAX ? 0 : (s->wait + FM_NS_PER_US - 1) / FM_NS_PER_US;
	struct timeval tv = {us / 1000000, us % 1000000};
	if (netsnmp_large_fd_set_select(s->n_fds, &s->readable, &s->writable, NULL,
					s->wait == INT64_MAX ? NULL : &tv) < 0)
		NETSNMP_LARGE_FD_ZERO(&s->readable);
}

static void
read_sessions(struct fmagent *ag, netsnmp_large_fd_set *fds)
{
	for (unsigned i = 0; i < ag->n_dests; i++) {
		void *sess = ag->dests[i].peer.session;

		if (sess == NULL)
			continue;
		if (NETSNMP_LARGE_FD_ISSET(snmp_sess_transport(sess)->sock, fds))
			snmp_sess_read2(sess, fds);
		snmp_sess_timeout(sess);
	}
}

void *
fmagent_thread(void *arg)
{
	struct fmagent *ag = arg;
	struct sleep s;
	uint64_t n;

	netsnmp_large_fd_set_init(&s.readable, FD_SETSIZE);
	netsnmp_large_fd_set_init(&s.writable, FD_SETSIZE);
	while (!atomic_load_explicit(&ag->stop, memory_order_acquire)) {
		int64_t now = fmagent_monotonic();

		for (unsigned i = 0; i < ag->n_dests; i++)
			fmagent_peer_run(&ag->dests[i], now);
		fmagent_master_run(ag, now);
		sleep_until_work(ag, &s);
		(void)!read(ag->wake_fd, &n, sizeof(n));
		read_sessions(ag, &s.readable);
	}
	for (unsigned i = 0; i < ag->n_dests; i++)
		fmagent_peer_close(&ag->dests[i]);
	fmagent_master_close(ag);
	netsnmp_large_fd_set_cleanup(&s.readable);
	netsnmp_large_fd_set_cleanup(&s.writable);
	return NULL;
}
