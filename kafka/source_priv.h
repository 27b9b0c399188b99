/*
 * source_priv: the parts of the source. Private to this folder.
 *
 * part.c knows one partition (where to start, is it read to its end), reach.c whether the brokers
 * are heard, topics.c which partitions there are, lost.c those that cannot go on, source.c the merge
 * and the public functions.
 */
#ifndef FM_KAFKA_SOURCE_PRIV_H
#define FM_KAFKA_SOURCE_PRIV_H

#include "kafka/kafka.h"
#include "kafka/lookup_priv.h"

#include <librdkafka/rdkafka.h>

/*
 *            hash stored                same record there
 *   start ───────────────▶ PROBING ───────────────────────▶ READING
 *     │ otherwise             │ other, missing, or past the end  │ asked for what is not there
 *     └──────▶ READING        └──────────▶ LOST ◀────────────────┘
 *              ▲     │ nothing read yet     │ kafka_source_resume_lost
 *              └─────┘ and no offset asked  └──────▶ READING
 *                      for but an end
 * When what is asked for in PROBING has been deleted by retention, READING starts without a
 * comparison; had the next record been deleted too, READING would find that out. A start at an end
 * of the log that moved on meanwhile has lost nothing: it is made again.
 *
 * HELD, by kafka_source_hold from any state but LOST, or by what the caller says at the start; by
 * kafka_source_release a start again.
 */
enum part_state { PART_PROBING, PART_READING, PART_LOST, PART_HELD };

struct part {
	/* immutable */
	struct kafka_source *src;
	struct topic *topic;
	int32_t no;
	/* reading */
	rd_kafka_queue_t *q;            /* set once it was started, which is right after part_new */
	size_t n_queued;                /* known to be in q */
	size_t most_queued;             /* seen in q since it was last half empty */
	enum part_state state;
	int64_t next;                   /* offset wanted next; -1: not known before the first answer */
	uint64_t want_hash;             /* PROBING: of record next - 1 */
	rd_kafka_message_t *head;       /* its next record; NULL: none taken from the queue */
	struct fm_heap_node node;       /* in src->heads while head is set: due = its time */
	bool at_end;                    /* everything up to the end last reported is taken */
	bool start_wanted;              /* started at the end: its offset is to be told once */
	enum kafka_start from;          /* next is -1: which end */
	/* LOST, HELD */
	bool anew;                      /* see struct kafka_lost */
	bool left;                      /* nobody waits for it */
	bool told;                      /* low and high are known, and so is the caller */
	int64_t low, high;
	/* merge */
	bool waits;                     /* counted in src->n_waiting */
	bool excused;                   /* the merge goes on without it until it delivers */
	struct fm_time waiting_since;   /* 0: not waiting as of the last tick */
	/* reach */
	bool heard;
	int64_t heard_us;               /* on the clock of the statistics */
	int64_t fetches, connects;      /* of its leader as of the last statistics; -1: none */
};

struct topic {
	/* immutable */
	char *name;
	int32_t no;
	rd_kafka_topic_t *handle;       /* makes the topic known to metadata look-ups */
	/* main thread */
	struct part **parts;
	int n_parts;
	bool missing;                   /* announced as such */
	unsigned misses;                /* answers in a row that did not have it */
};

enum announced { SAID_NOTHING, SAID_REACHABLE, SAID_UNREACHABLE };

struct kafka_source {
	/* immutable */
	bool (*position)(void *, const char *, int32_t, struct store_position *);
	kafka_notice_f *notice;
	void (*lost)(void *, const struct kafka_lost *);
	bool (*held)(void *, const char *, int32_t);
	void *ctx;
	enum kafka_start start;
	bool nudges;                    /* librdkafka sleeps once a queue was full */
	rd_kafka_t *rk;
	rd_kafka_queue_t *events;       /* logs, errors, statistics */
	struct lookup *lookup;
	int fd;
	struct topic *topics;
	unsigned n_topics;
	/* topics.c */
	bool met;                       /* all topics have been looked up once */
	struct fm_time asked_at;
	struct part **parts;            /* of all topics */
	unsigned n_parts;
	/* source.c */
	struct fm_heap heads;
	unsigned n_waiting;             /* partitions that have more but nothing here yet */
	unsigned peek;
	struct part *current;           /* its head has been handed out */
	bool paused;
	struct fm_time ticked_at;
	/* lost.c */
	struct fm_time extents_asked_at;
	uint64_t n_records, n_bytes;
	/* reach.c */
	bool reachable, any_up;
	int64_t stats_us;
	unsigned unheard_samples;
	enum announced announced;
};

void source_notice(struct kafka_source *src, enum kafka_notice what, const char *topic,
		   int32_t part, const char *fmt, ...) FM_PRINTF(5, 6);

/* part.c */
struct part *part_new(struct kafka_source *src, struct topic *t, int32_t no);
void part_free(struct part *p);
/* Where the store says, else where start says; also after its topic came back. */
void part_start(struct part *p, enum kafka_start start);
/* From one of the two ends, whatever the store says. */
void part_start_at(struct part *p, enum kafka_start start);
/* From an offset, without comparing what lies before it. */
void part_start_offset(struct part *p, int64_t offset);
/* Is the log still the one that was read? What is queued may be another's, and is fetched again. */
void part_recheck(struct part *p);
/* Its topic is gone: no longer fetched, and what is queued is forgotten. */
void part_stop(struct part *p);
/* Not fetched, and nobody waits for it, until it is started again. */
void part_hold(struct part *p);
/* Neither lost nor held, and its topic exists: only these count for "caught up" and "reachable". */
bool part_active(const struct part *p);
/* Lost, and what to do about it has not been said. */
bool part_undecided(const struct part *p);
/* Takes from the queue until there is a head or nothing more. Call when head is NULL. */
void part_fill(struct part *p);
/* After any change to head, at_end, state or excused, or of its topic's missing. */
void part_recount(struct part *p);
/* The record handed out is done with: its next one, if any, takes its place. */
void part_advance(struct part *p);

/* reach.c */
void reach_on_stats(struct kafka_source *src, const char *json, size_t len);
void reach_on_all_down(struct kafka_source *src, const char *why);
void reach_on_heard(struct part *p);
/* fmd itself stood still: nobody has been heard meanwhile. */
void reach_forget(struct kafka_source *src);

/* lost.c */
void lost_on_answer(struct kafka_source *src, const struct lookup_extents *x);
void lost_tick(struct kafka_source *src, struct fm_time now);
struct part *source_find_part(const struct kafka_source *src, const char *topic, int32_t no);

/* topics.c */
int topics_new(struct kafka_source *src, const struct kafka_source_options *opt,
	       struct fm_err *err) FM_MUST_USE;
void topics_free(struct kafka_source *src);
void topics_on_answer(struct kafka_source *src, const struct lookup_answer *a);
void topics_tick(struct kafka_source *src, struct fm_time now);

#endif
