/*
 * LINK: fm_store
 *
 * bench_store: how many transitions a second the store commits, by batch size, beside a bare loop
 * over SQLite with the same statements and the same values but nothing of ours around them: no
 * JSON, no chains, no copies. One transition = its row in the log and its alarm's row; one position
 * and one ledger row a batch; synchronous=FULL; checkpoints included.
 *
 * bench_store [--json] [--dir DIR] [--alarms N] [--seconds S]
 */
#include "store/store_priv.h"

#include "alarm/alarm_json.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

struct options {
	bool json;
	const char *dir;
	uint64_t alarms;
	double seconds;
};

struct figures {
	uint64_t transitions;
	double wall_s, cpu_s;
	double p50_ms, p99_ms, max_ms;  /* of a batch, checkpoints included */
};

static double
clock_s(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
die(const char *what, const struct fm_err *err)
{
	fprintf(stderr, "bench_store: %s: %s\n", what, err->msg);
	exit(1);
}

/* ---- what is written ------------------------------------------------------------- */

#define SINCE 1764000000000000000LL

/* The n-th alarm, at some step of its life: what is random is so by n alone. */
struct sample {
	char entity[128], uuid[FM_UUID_STR], reason[160], host[32];
	struct row row;
	struct transition tr;
};

static uint64_t
scramble(uint64_t n)
{
	return fm_hash64(&n, sizeof(n), 7);
}

static void
fill_texts(struct sample *s, uint64_t n, uint64_t step)
{
	struct fm_uuid tenant, instance, occurrence;
	char a[FM_UUID_STR], b[FM_UUID_STR];
	uint64_t h[6] = {scramble(n % 50), scramble(n % 50 + 1), scramble(n + 99),
			 scramble(n + 98), scramble(n ^ step << 40), scramble(n + step)};

	memcpy(tenant.b, &h[0], 16);
	memcpy(instance.b, &h[2], 16);
	memcpy(occurrence.b, &h[4], 16);
	snprintf(s->entity, sizeof(s->entity), "tenant=%s.instance=%s", fm_uuid_format(&tenant, a),
		 fm_uuid_format(&instance, b));
	fm_uuid_format(&occurrence, s->uuid);
	snprintf(s->host, sizeof(s->host), "compute-%llu", (unsigned long long)(n % 400));
	snprintf(s->reason, sizeof(s->reason), "Instance vm-%llu owned by demo is live migrating "
		 "from host %s for %llu s", (unsigned long long)n, s->host,
		 (unsigned long long)(step * 180));
	s->tr.alarm.uuid = occurrence;
}

static void
fill_transition(struct sample *s, uint64_t n, uint64_t step)
{
	struct transition *tr = &s->tr;
	struct fm_time at = {SINCE + (int64_t)(n + step) * FM_NS_PER_MS};

	tr->kind = step == 0 ? TR_RAISE : TR_CHANGE;
	tr->at = at;
	tr->notify = true;
	tr->alarm.id = n;
	tr->alarm.alarm_id = "700.008";
	tr->alarm.entity_type_id = "tenant.instance";
	tr->alarm.entity = s->entity;
	tr->alarm.severity = SEV_MINOR;
	tr->alarm.reason_text = s->reason;
	tr->alarm.type = 3;
	tr->alarm.cause = 48;
	tr->alarm.repair = "No action is required unless the migration does not end; then look at "
			   "the memory write rate of the instance.";
	tr->alarm.suppressible = true;
	tr->alarm.raised_at = tr->alarm.changed_at = at;
	tr->alarm.count = 1;
	tr->alarm.attrs[0] = (struct attr){"source_host", s->host, 0};
	tr->alarm.attrs[1] = (struct attr){"limit_s", NULL, 180};
	tr->alarm.n_attrs = 2;
	tr->alarm.catalogue = 0x1234567890abcdef;
	tr->cause = (struct transition_cause){
		.kind = CAUSE_RECORD, .topic = "versioned_notifications.info", .partition = 3,
		.offset = (int64_t)n, .event = "instance.live_migration_pre.start",
		.event_time = at, .rule = "700.008 While instance.migrating", .rule_line = 1200,
	};
}

static void
fill_row(struct sample *s)
{
	const struct alarm *al = &s->tr.alarm;

	s->row = (struct row){.kind = ROW_ALARM};
	s->row.u.alarm = (struct row_alarm){
		.alarm_id = al->alarm_id, .entity = al->entity, .id = al->id, .uuid = s->uuid,
		.entity_type_id = al->entity_type_id, .severity = al->severity,
		.reason_text = al->reason_text, .type = al->type, .cause = al->cause,
		.repair = al->repair, .flags = ROW_ALARM_ANNOUNCED, .raised_at = al->raised_at.ns,
		.changed_at = al->changed_at.ns, .count = al->count,
		.attrs = "source_host=compute-17\x1flimit_s#180", .catalogue = al->catalogue,
		.host = s->host, .instance = s->uuid,
	};
}

static void
make_sample(struct sample *s, uint64_t n, uint64_t step)
{
	memset(s, 0, sizeof(*s));
	fill_texts(s, n, step);
	fill_transition(s, n, step);
	fill_row(s);
}

/* ---- the two ways of writing it -------------------------------------------------- */

/* A rendered transition for those who do not render. */
struct bare_body {
	char *json;
	size_t len, alarm_len;
};

static struct bare_body
make_body(const struct store *st)
{
	struct bare_body body;
	struct sample s;

	make_sample(&s, 1, 1);
	body.json = transition_to_json(&s.tr, store_stream(st), &body.len, &body.alarm_len);
	return body;
}

/* Write one batch, counting n on. */
typedef void batch_f(struct store *st, const struct options *opt, uint64_t *n, unsigned batch,
		     const struct bare_body *body);

static struct store_position
position_at(uint64_t n)
{
	return (struct store_position){"versioned_notifications.info", 3, (int64_t)n, scramble(n),
				       {SINCE}};
}

static void
pick(struct sample *s, const struct options *opt, uint64_t n)
{
	uint64_t which = n < opt->alarms ? n : scramble(n) % opt->alarms;

	make_sample(s, which, n / opt->alarms);
}

static void
batch_store(struct store *st, const struct options *opt, uint64_t *n, unsigned batch,
	    const struct bare_body *body)
{
	struct fm_err err;
	struct sample s;
	int r = store_begin(st, &err);

	(void)body;
	for (unsigned i = 0; r == 0 && i < batch; i++, (*n)++) {
		pick(&s, opt, *n);
		r = store_put_row(st, &s.row, &err);
		if (r == 0)
			r = store_put_transition(st, &s.tr, &err);
	}
	struct store_position pos = position_at(*n);
	struct store_ledger ledger = {.topic = pos.topic, .partition = 3, .n = {*n}};
	if (r == 0)
		r = store_put_position(st, &pos, &err);
	if (r == 0)
		r = store_put_ledger(st, &ledger, &err);
	if (r == 0)
		r = store_commit(st, &err);
	if (r < 0)
		die("batch", &err);
}

static void
step(struct store *st, sqlite3_stmt *stmt)
{
	if (sqlite3_step(stmt) != SQLITE_DONE) {
		fprintf(stderr, "bench_store: %s\n", sqlite3_errmsg(st->db));
		exit(1);
	}
	sqlite3_reset(stmt);
}

/* The alarm's row through the same prepared statement; binding it is not what is measured. */
static void
bare_transition(struct store *st, const struct sample *s, uint64_t n, const struct bare_body *body)
{
	sqlite3_stmt *t = st->sql[SQL_PUT_TRANSITION];

	if (store_write_row(st, &s->row, NULL) < 0)
		exit(1);
	sqlite3_bind_int64(t, 1, (sqlite3_int64)n + 1);
	sqlite3_bind_int64(t, 2, n > 60000 ? (sqlite3_int64)n - 60000 : 0);
	sqlite3_bind_int64(t, 3, n > 60000 ? (sqlite3_int64)n - 60000 : 0);
	sqlite3_bind_int(t, 4, TR_RAISE);
	sqlite3_bind_int(t, 5, 1);
	sqlite3_bind_int64(t, 6, s->tr.at.ns);
	sqlite3_bind_int64(t, 7, (sqlite3_int64)body->alarm_len);
	sqlite3_bind_text(t, 8, s->tr.alarm.alarm_id, -1, SQLITE_STATIC);
	sqlite3_bind_text(t, 9, s->entity, -1, SQLITE_STATIC);
	sqlite3_bind_blob(t, 10, s->tr.alarm.uuid.b, 16, SQLITE_STATIC);
	sqlite3_bind_text64(t, 11, body->json, body->len, SQLITE_STATIC, SQLITE_UTF8);
	step(st, t);
}

static void
bare_position(struct store *st, uint64_t n)
{
	sqlite3_stmt *p = st->sql[SQL_PUT_POSITION], *l = st->sql[SQL_PUT_LEDGER];
	struct store_position pos = position_at(n);

	sqlite3_bind_text(p, 1, pos.topic, -1, SQLITE_STATIC);
	sqlite3_bind_int(p, 2, pos.partition);
	sqlite3_bind_int64(p, 3, pos.next_offset);
	sqlite3_bind_int64(p, 4, (sqlite3_int64)pos.last_hash);
	sqlite3_bind_int64(p, 5, pos.last_ts.ns);
	step(st, p);
	sqlite3_bind_text(l, 1, pos.topic, -1, SQLITE_STATIC);
	for (int i = 0; i <= LEDGER_N; i++)
		sqlite3_bind_int64(l, 2 + i, (sqlite3_int64)n);
	step(st, l);
}

static void
batch_bare(struct store *st, const struct options *opt, uint64_t *n, unsigned batch,
	   const struct bare_body *body)
{
	struct sample s;

	step(st, st->sql[SQL_BEGIN]);
	for (unsigned i = 0; i < batch; i++, (*n)++) {
		pick(&s, opt, *n);
		bare_transition(st, &s, *n, body);
	}
	bare_position(st, *n);
	step(st, st->sql[SQL_COMMIT]);
	if (store_wal_bytes(st) >= STORE_WAL_FULL) {
		sqlite3_wal_checkpoint_v2(st->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
		st->wal_frames = 0;
	}
}

/* ---- measuring ------------------------------------------------------------------- */

static int
compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct figures
measure(struct store *st, const struct options *opt, batch_f *write, uint64_t *n, unsigned batch,
	const struct bare_body *body)
{
	size_t cap = 0, count = 0;
	double *took = NULL;
	uint64_t from = *n;
	double start = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
	double now = start;
	while (now - start < opt->seconds) {
		write(st, opt, n, batch, body);
		double after = clock_s(CLOCK_MONOTONIC);
		if (count == cap) {
			cap = cap == 0 ? 1024 : cap * 2;
			took = fm_realloc(took, cap * sizeof(took[0]));
		}
		took[count++] = after - now;
		now = after;
	}
	qsort(took, count, sizeof(took[0]), compare_double);
	struct figures f = {
		.transitions = *n - from, .wall_s = now - start,
		.cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu,
		.p50_ms = took[count / 2] * 1e3, .p99_ms = took[count * 99 / 100] * 1e3,
		.max_ms = took[count - 1] * 1e3,
	};
	free(took);
	return f;
}

static void
count_row(void *ctx, const struct row *row)
{
	(void)row;
	(*(uint64_t *)ctx)++;
}

static struct store *
open_store(const struct options *opt, const char *name)
{
	FM_CLEANUP(fm_freep) char *dir = fm_asprintf("%s/%s", opt->dir, name);
	struct store_options so = {.dir = dir};
	struct store *st;
	struct fm_err err;

	if (store_open(&so, &st, &err) < 0)
		die("open", &err);
	return st;
}

static void
remove_store(const struct options *opt, const char *name)
{
	static const char *const files[] = {"/fmd.db", "/fmd.db-wal", "/lock", ""};

	for (size_t i = 0; i < FM_ARRAY_LEN(files); i++) {
		FM_CLEANUP(fm_freep) char *path = fm_asprintf("%s/%s%s", opt->dir, name, files[i]);
		(void)remove(path);
	}
}

/* ---- report ---------------------------------------------------------------------- */

static double
per_s(const struct figures *f)
{
	return (double)f->transitions / f->wall_s;
}

static double
cpu_us(const struct figures *f)
{
	return f->cpu_s / (double)f->transitions * 1e6;
}

static void
print_row(const struct options *opt, unsigned batch, const struct figures *ours,
	  const struct figures *bare)
{
	double ratio = per_s(ours) / per_s(bare);

	if (opt->json)
		printf("{\"bench\":\"store\",\"batch\":%u,\"per_s\":%.0f,\"cpu_us\":%.1f,"
		       "\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.1f,\"bare_per_s\":%.0f,"
		       "\"bare_cpu_us\":%.1f,\"ratio\":%.2f}\n", batch, per_s(ours), cpu_us(ours),
		       ours->p50_ms, ours->p99_ms, ours->max_ms, per_s(bare), cpu_us(bare), ratio);
	else
		printf("| %6u | %13.0f | %6.1f | %7.2f / %7.2f / %7.1f | %13.0f | %6.1f | %5.2f |\n",
		       batch, per_s(ours), cpu_us(ours), ours->p50_ms, ours->p99_ms, ours->max_ms,
		       per_s(bare), cpu_us(bare), ratio);
	fflush(stdout);
}

static void
print_conditions(const struct options *opt)
{
	struct utsname uts;
	struct statfs fs;

	if (uname(&uts) < 0 || statfs(opt->dir, &fs) < 0)
		return;
	if (opt->json)
		printf("{\"bench\":\"store\",\"sqlite\":\"%s\",\"kernel\":\"%s\",\"cpus\":%ld,"
		       "\"fs\":\"%lx\",\"synchronous\":\"full\",\"alarms\":%llu,\"seconds\":%.1f}\n",
		       sqlite3_libversion(), uts.release, sysconf(_SC_NPROCESSORS_ONLN),
		       (unsigned long)fs.f_type, (unsigned long long)opt->alarms, opt->seconds);
	else
		printf("SQLite %s, WAL, synchronous=FULL, Linux %s, %ld CPUs, file system %lx, %llu "
		       "alarms,\n%.1f s per figure, checkpoints included; bare: the same statements "
		       "without JSON and store\n\n"
		       "| batch | transitions/s | CPU us | batch p50 / p99 / max ms | bare /s | "
		       "CPU us | ratio |\n|--:|--:|--:|--:|--:|--:|--:|\n",
		       sqlite3_libversion(), uts.release, sysconf(_SC_NPROCESSORS_ONLN),
		       (unsigned long)fs.f_type, (unsigned long long)opt->alarms, opt->seconds);
}

static void
time_restart(const struct options *opt, const char *after)
{
	double start = clock_s(CLOCK_MONOTONIC);
	struct store *st = open_store(opt, "store");
	double opened = clock_s(CLOCK_MONOTONIC);
	uint64_t n = 0;
	struct fm_err err;

	if (store_each_row(st, count_row, &n, &err) < 0)
		die("restart", &err);
	double done = clock_s(CLOCK_MONOTONIC);
	struct store_stats stats;
	store_get_stats(st, &stats);
	printf(opt->json ? "{\"bench\":\"store_restart\",\"after\":\"%s\",\"rows\":%llu,"
			   "\"transitions\":%llu,\"file_mib\":%llu,\"open_ms\":%.1f,"
			   "\"rows_ms\":%.1f}\n"
			 : "\nRestart after a %s: %llu rows beside %llu transitions, %llu MiB: "
			   "open %.1f ms, rows %.1f ms\n", after,
	       (unsigned long long)n, (unsigned long long)store_last_seq(st),
	       (unsigned long long)stats.file_bytes >> 20, (opened - start) * 1e3,
	       (done - opened) * 1e3);
	store_close(st);
}

static void
run(const struct options *opt)
{
	static const unsigned batches[] = {1, 10, 100, 1000, 10000};
	struct store *ours = open_store(opt, "store"), *bare = open_store(opt, "bare");
	uint64_t n = 0, n_bare = 0;
	struct bare_body body = make_body(ours);

	print_conditions(opt);
	while (n < opt->alarms)
		batch_store(ours, opt, &n, 1000, &body);
	while (n_bare < opt->alarms)
		batch_bare(bare, opt, &n_bare, 1000, &body);
	for (size_t i = 0; i < FM_ARRAY_LEN(batches); i++) {
		struct figures f = measure(ours, opt, batch_store, &n, batches[i], &body);
		struct figures b = measure(bare, opt, batch_bare, &n_bare, batches[i], &body);
		print_row(opt, batches[i], &f, &b);
	}
	free(body.json);
	ours->broken = -EIO;            /* ends as a crash does: nothing more is written */
	store_close(ours);
	store_close(bare);
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"json", no_argument, NULL, 'j'}, {"dir", required_argument, NULL, 'd'},
		{"alarms", required_argument, NULL, 'a'}, {"seconds", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	char tmp[] = "bench_store.XXXXXX";
	struct options opt = {.alarms = 100000, .seconds = 2};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'j')
			opt.json = true;
		else if (c == 'd')
			opt.dir = optarg;
		else if (c == 'a')
			opt.alarms = strtoull(optarg, NULL, 10);
		else if (c == 's')
			opt.seconds = strtod(optarg, NULL);
		else
			return 2;
	}
	if (opt.alarms == 0 || (opt.dir == NULL && (opt.dir = mkdtemp(tmp)) == NULL))
		return 2;
	run(&opt);
	time_restart(&opt, "crash");
	time_restart(&opt, "clean end");
	remove_store(&opt, "store");
	remove_store(&opt, "bare");
	if (opt.dir == tmp)
		(void)rmdir(tmp);
	return 0;
}
