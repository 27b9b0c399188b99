/*
 * careful: a record that ends the process must not end it for ever. Which record is at hand stands in
 * a small file that is mapped, so that it survives any end of the process and costs nothing.
 *
 *     start after an end with a record at hand, nothing committed since the start before it:
 *       1st, 2nd time    read on; from the 2nd a record a cycle, so that it is known which one it is
 *       3rd time         it goes into quarantine unread. When the one behind it ends the process too,
 *                        then, at once, the next 2, 4, 8 ... (a storm of them would need 3 starts each)
 *
 * limits.starts says how often (3), 0 for never. 990.013 says so until an operator has seen it: that
 * a record is missing, nobody else knows.
 */
#include "fmd/daemon_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x31646e6168746166)
#define TOPIC_SIZE 256
/* Records read one by one before a start that needed care is taken to be over the place. */
#define CAREFUL_RECORDS 1000
#define MOST_SKIPPED 1024
#define SKIPPED_ID "990.013"

struct spot {
	char topic[TOPIC_SIZE];
	int32_t partition;
	uint32_t known;                 /* that this is the one, not one of its cycle */
	int64_t offset;                 /* -1: none */
};

/* As it lies in the file. */
struct careful_file {
	uint64_t magic;
	uint64_t base;                  /* of the positions at the last start */
	uint64_t starts;                /* without anything committed between */
	struct spot at_hand;
	struct spot skip;               /* offset: the first one */
	uint64_t n_skip;                /* 0: nothing has been skipped yet */
};

static struct careful_file *
map_file(const struct daemon *d)
{
	FM_CLEANUP(fm_freep) char *path = fm_asprintf("%s/at-hand", d->conf->state_dir);
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	void *p = MAP_FAILED;

	/* Blocks, for a hole that cannot be filled would be a SIGBUS. */
	if (fd >= 0 && fallocate(fd, 0, 0, sizeof(struct careful_file)) == 0)
		p = mmap(NULL, sizeof(struct careful_file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static uint64_t
hash_positions(const struct daemon *d)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < d->n_parts; i++)
		if (d->part[i].next_offset >= 0)
			sum += fm_hash64(d->part[i].topic, strlen(d->part[i].topic),
					 (uint64_t)d->part[i].next_offset * 31 +
					 (uint64_t)d->part[i].partition);
	return sum;
}

static bool
same_part(const struct spot *a, const struct spot *b)
{
	return a->partition == b->partition && strcmp(a->topic, b->topic) == 0;
}

/* ---- at the start ------------------------------------------------------------------------------- */

static bool
is_behind_skipped(const struct careful_file *f)
{
	return f->n_skip > 0 && same_part(&f->at_hand, &f->skip) &&
		f->at_hand.offset == f->skip.offset + (int64_t)f->n_skip;
}

static void
decide_skip(struct daemon *d, struct careful_file *f)
{
	const bool behind = is_behind_skipped(f);

	if (!f->at_hand.known || (f->starts < d->conf->starts && !behind))
		return;
	f->n_skip = !behind ? 1 : f->n_skip < MOST_SKIPPED ? 2 * f->n_skip : MOST_SKIPPED;
	f->skip = f->at_hand;
	d->careful_skip = true;
	d->careful_left = CAREFUL_RECORDS;
	log_line(LOG_ERROR, "input", "fmd ended %llu times at topic=%s partition=%d offset=%lld: "
		 "%llu records from there are quarantined unread", (unsigned long long)f->starts,
		 f->skip.topic, f->skip.partition, (long long)f->skip.offset,
		 (unsigned long long)f->n_skip);
}

/* After the positions are known. */
void
careful_start(struct daemon *d)
{
	struct careful_file *f = d->conf->starts > 0 ? map_file(d) : NULL;
	const uint64_t base = hash_positions(d);

	d->careful = f;
	if (f == NULL)
		return;
	if (f->magic != MAGIC)
		*f = (struct careful_file){.magic = MAGIC, .at_hand.offset = -1};
	const bool died = f->at_hand.offset >= 0;

	f->starts = !died ? 0 : f->base == base ? f->starts + 1 : 1;
	f->base = base;
	if (died)
		decide_skip(d, f);
	if (f->starts >= 2)
		d->careful_left = CAREFUL_RECORDS;
	f->at_hand.offset = -1;
	(void)msync(f, sizeof(*f), MS_SYNC);
}

void
careful_stop(struct daemon *d)
{
	if (d->careful != NULL)
		(void)munmap(d->careful, sizeof(*d->careful));
	d->careful = NULL;
}

/* ---- for each record ----------------------------------------------------------------------------- */

/* Its topic first: the offset makes it valid. */
void
careful_take(struct daemon *d, const struct kafka_record *rec)
{
	struct careful_file *f = d->careful;

	if (f == NULL)
		return;
	if (f->at_hand.partition != rec->partition || strcmp(f->at_hand.topic, rec->topic) != 0)
		snprintf(f->at_hand.topic, sizeof(f->at_hand.topic), "%s", rec->topic);
	f->at_hand.partition = rec->partition;
	f->at_hand.known = true;
	f->at_hand.offset = rec->offset;
}

/* What is done with it from here on is done for its whole cycle. */
void
careful_taken(struct daemon *d)
{
	if (d->careful != NULL)
		d->careful->at_hand.known = d->careful_left > 0;
}

/* It is committed, or waits for company with nothing left to do. */
void
careful_done(struct daemon *d)
{
	if (d->careful != NULL)
		d->careful->at_hand.offset = -1;
}

bool
careful_one_by_one(struct daemon *d)
{
	if (d->careful_left == 0)
		return false;
	d->careful_left--;
	return true;
}

bool
careful_skips(const struct daemon *d, const struct kafka_record *rec)
{
	const struct careful_file *f = d->careful;

	return d->careful_skip && rec->partition == f->skip.partition &&
		rec->offset >= f->skip.offset &&
		rec->offset < f->skip.offset + (int64_t)f->n_skip &&
		strcmp(rec->topic, f->skip.topic) == 0;
}

void
careful_skipped(struct daemon *d, const struct kafka_record *rec)
{
	char entity[300], text[200];

	snprintf(entity, sizeof(entity), "service=fmd.topic=%.200s.partition=%d", rec->topic,
		 rec->partition);
	snprintf(text, sizeof(text), "fmd ended again and again at offset %lld: %llu records from "
		 "there were put into quarantine unread", (long long)d->careful->skip.offset,
		 (unsigned long long)d->careful->n_skip);
	self_set(d, SKIPPED_ID, entity, true, text);
}
