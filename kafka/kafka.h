/*
 * kafka: records in, transitions out, and the embedded broker, on librdkafka.
 *
 * Positions are ours: the consumer neither commits nor asks the broker where to start; the
 * store's position table does (P1). While a backlog is read, records of all partitions are
 * merged by broker time, so that logical time is the log's (DESIGN §6); a partition is "caught
 * up" when its end has been reported. Facts about librdkafka 2.0.2 that shaped this:
 * facts of reliability §1.3 and §2.8 are restated in docs/adr where they matter.
 *
 * Thread: main, except librdkafka's own. A file descriptor becomes readable when there may be
 * something to do.
 */
#ifndef FM_KAFKA_H
#define FM_KAFKA_H

#include "notify/notify.h"

/* "librdkafka" map of fmd.yaml, passed through after ours; a key we must own is refused. */
struct kafka_setting {
	const char *key, *value;
};
struct kafka_conf {
	const char *brokers;
	const char *client_id;
	const struct kafka_setting *settings;
	unsigned n_settings;
};

/* Told on the main thread while one of this folder's functions runs; text is borrowed. */
/* KAFKA_REFUSED: certificate, login or permission; waiting alone does not help. */
enum kafka_notice { KAFKA_INFO, KAFKA_WARNING, KAFKA_REFUSED, KAFKA_UNREACHABLE, KAFKA_REACHABLE,
	KAFKA_TOPIC_MISSING, KAFKA_TOPIC_FOUND, KAFKA_POSITION_LOST, KAFKA_FATAL };
typedef void kafka_notice_f(void *ctx, enum kafka_notice what, const char *topic,
			    int32_t partition, const char *text);

/* ---- source --------------------------------------------------------------------------- */

enum kafka_start { KAFKA_EARLIEST, KAFKA_LATEST };

/*
 * A partition that cannot be read on where it was: the record at that offset, or the one before it,
 * is not the one that was read then. low and high are what the log has now: its first offset, and
 * the one after its last.
 */
struct kafka_lost {
	const char *topic;              /* stable until the source is freed */
	int32_t partition;
	int64_t wanted;                 /* the offset to be read next */
	int64_t low, high;
	/*
	 * Not what wanted counted in: the topic was made anew, or its end was cut off. Else the
	 * records from wanted to low - 1 were deleted, as retention does.
	 */
	bool anew;
};

/*
 * WAITING: its topic is missing, its leader is not heard, or the log is being compared. HELD: by
 * the caller.
 */
enum kafka_input { KAFKA_INPUT_READING, KAFKA_INPUT_WAITING, KAFKA_INPUT_LOST, KAFKA_INPUT_HELD };

struct kafka_source_options {
	struct kafka_conf conf;
	const char *const *topics;
	unsigned n_topics;
	enum kafka_start start;         /* for a partition without a stored position */
	/* Where to go on; returns false when the store has no position. */
	bool (*position)(void *ctx, const char *topic, int32_t partition,
			 struct store_position *ret);
	/*
	 * A position is lost, and what is there instead is known. Called like a notice. The caller
	 * must answer, then or later, by kafka_source_resume_lost or kafka_source_leave_lost; until
	 * then nothing is "caught up" and the other partitions wait a moment, as for a slow one.
	 */
	void (*lost)(void *ctx, const struct kafka_lost *lost);
	/* Asked when a partition is started, also after its topic came back: held from the start? */
	bool (*held)(void *ctx, const char *topic, int32_t partition);
	kafka_notice_f *notice;
	void *ctx;
};
struct kafka_source;

struct kafka_record {
	const char *topic;              /* stable until the source is freed */
	int32_t topic_no;               /* index into topics */
	int32_t partition;
	int64_t offset;
	struct fm_time ts;              /* broker or create time, ms resolution */
	const void *p;                  /* NULL: a tombstone */
	size_t len;
};

/*
 * Never blocks and never fails for a broker that is away or a topic that is missing: both are
 * waited for, with notices. Fails only for settings librdkafka refuses (err names the key).
 */
int kafka_source_new(const struct kafka_source_options *opt, struct kafka_source **ret,
		     struct fm_err *err) FM_MUST_USE;
void kafka_source_free(struct kafka_source *src);
int kafka_source_fd(const struct kafka_source *src);

/*
 * The next record in merged order. Returns 1 (*ret borrowed until the next call), 0 (nothing
 * now). Callers bound how many they take; the rest stays in librdkafka's bounded queues.
 */
int kafka_source_next(struct kafka_source *src, struct kafka_record *ret);
/*
 * Housekeeping: metadata, new partitions, statistics. Call at least every second: a longer silence
 * is taken for a stall of fmd, and "caught up" has to be earned again. Ends the loan of a record.
 */
void kafka_source_tick(struct kafka_source *src, struct fm_time now);
/*
 * True when every known partition has been read to its end and the brokers are being heard: only
 * then may time follow the wall clock, and only then do deadlines run on silence (P8).
 */
bool kafka_source_caught_up(const struct kafka_source *src);
void kafka_source_pause(struct kafka_source *src, bool on);

/* -ENOENT: the source has no such partition. */
int kafka_source_state(const struct kafka_source *src, const char *topic, int32_t partition,
		       enum kafka_input *ret) FM_MUST_USE;
/*
 * The ends of a lost or held partition, a few seconds old at most. -ENOENT: it is neither; -EAGAIN:
 * they are not known yet, or its topic is missing.
 */
int kafka_source_find_lost(const struct kafka_source *src, const char *topic, int32_t partition,
			   struct kafka_lost *ret) FM_MUST_USE;
/*
 * Reads a lost or held partition on at that offset, whatever lies before it; the caller stores it
 * as the position. May be called from the lost callback. -ENOENT: it is neither.
 */
int kafka_source_resume_lost(struct kafka_source *src, const char *topic, int32_t partition,
			     int64_t offset);
/* It stays as it is, and no longer keeps the others from being "caught up". -ENOENT as above. */
int kafka_source_leave_lost(struct kafka_source *src, const char *topic, int32_t partition);
/*
 * Not read any more, from the record at hand on: it will be handed out again. Nobody waits for a
 * held partition. Ends the loan of a record. -ENOENT: no such partition, or it is lost.
 */
int kafka_source_hold(struct kafka_source *src, const char *topic, int32_t partition);
/* Goes on at the stored position, as a start does. -ENOENT: it is not held. */
int kafka_source_release(struct kafka_source *src, const char *topic, int32_t partition);
/*
 * Tells once, for each partition begun at its end (KAFKA_LATEST), which offset that was. To be
 * stored like a position: else a restart before its first record would begin at a later end.
 */
typedef void kafka_start_f(void *ctx, const char *topic, int32_t partition, int64_t next_offset);
void kafka_source_take_starts(struct kafka_source *src, kafka_start_f *f, void *ctx);

/* store_position.last_hash of a record; never 0, which stands for "not known: do not compare". */
uint64_t kafka_record_hash(const void *p, size_t len, struct fm_time ts);

struct kafka_source_stats {
	uint64_t records, bytes;
	unsigned partitions, caught_up, lost, missing_topics;
	bool reachable;
	int64_t lag;                    /* records behind the last known ends; -1: not known */
};
void kafka_source_get_stats(const struct kafka_source *src, struct kafka_source_stats *ret);

/* ---- sink ------------------------------------------------------------------------------ */

struct kafka_sink_options {
	struct kafka_conf conf;
	const char *alarms_topic;       /* "fm.alarms" */
	const char *transitions_topic;  /* "fm.transitions" */
	const char *quarantine_topic;   /* "fm.quarantine" */
	const char *stream;             /* store_stream */
	const char *source;             /* ce_source, "fmd/<host>/<stream>" */
	kafka_notice_f *notice;
	void *ctx;
};
struct kafka_sink;
/*
 * An idempotent producer. Never blocks; a missing broker or topic is waited for. Every transition
 * goes to the transitions topic (ce_type "fm.transition.<kind>"); those that change an alarm also
 * go to the alarms topic as the alarm's state ("fm.alarm.<kind>"), a purge as a tombstone. A
 * quarantined record keeps its bytes; where it came from and why are headers (fm_topic,
 * fm_partition, fm_offset, fm_reason, fm_length; ce_type "fm.quarantine").
 */
int kafka_sink_new(const struct kafka_sink_options *opt, struct kafka_sink **ret,
		   struct fm_err *err) FM_MUST_USE;
int kafka_sink_fd(const struct kafka_sink *ks);
/* Serves delivery reports: calls outbox_acked, outbox_ready, outbox_failed. */
void kafka_sink_poll(struct kafka_sink *ks, struct fm_time now);
/* For outbox_add; freed by the outbox through its close. */
struct sink *kafka_sink_as_sink(struct kafka_sink *ks);
/*
 * The quarantine stream has a cursor of its own: hands one record over, -EAGAIN when full. The
 * highest id up to which all are delivered is kafka_sink_quarantine_acked.
 */
int kafka_sink_quarantine(struct kafka_sink *ks, const struct store_quarantine *q);
uint64_t kafka_sink_quarantine_acked(const struct kafka_sink *ks);
/* Forget what was taken and not delivered: offers start over after the acked id. */
void kafka_sink_quarantine_start(struct kafka_sink *ks, uint64_t acked);

/* ---- embedded broker ------------------------------------------------------------------- */

/*
 * librdkafka's mock cluster behind a real TCP port on 127.0.0.1, for the demo and for tests. It
 * keeps at most 5 MB a partition (then forgets the oldest), in memory only; it does not compact,
 * makes a topic of four partitions when any client names an unknown one, and checks sequence
 * numbers of transactional producers only, so an idempotent producer may show duplicates.
 */
struct kafka_broker;
int kafka_broker_new(const char *const *topics, unsigned n_topics, int partitions,
		     struct kafka_broker **ret, struct fm_err *err) FM_MUST_USE;
const char *kafka_broker_address(const struct kafka_broker *b);         /* "127.0.0.1:40123" */
void kafka_broker_free(struct kafka_broker *b);
int kafka_broker_add_topic(struct kafka_broker *b, const char *topic, int partitions,
			   struct fm_err *err) FM_MUST_USE;
/* Down: connections are cut and refused until it is up again; what it holds stays. */
void kafka_broker_set_up(struct kafka_broker *b, bool up);
/* Clients are told that there is no such topic; what it holds stays. */
void kafka_broker_hide_topic(struct kafka_broker *b, const char *topic, bool hidden);
/* The next fetch is told that what it asks for is not there, as when retention was faster. */
void kafka_broker_outrun_fetch(struct kafka_broker *b);

const char *kafka_library_version(void);

/* What can be seen of a list of brokers without asking them. -EINVAL. */
int kafka_brokers_check(const char *brokers, struct fm_err *err) FM_MUST_USE;
/* One setting for itself, a secret's file included: -EINVAL, -EACCES, … and err says what is wrong. */
int kafka_setting_check(const struct kafka_setting *s, struct fm_err *err) FM_MUST_USE;
/* All of them, as far as can be told without a broker: certificates and keys are read too. */
int kafka_conf_check(const struct kafka_conf *conf, struct fm_err *err) FM_MUST_USE;
/* The i-th thing about them (from 0) that an operator is to be warned of; NULL: no more. */
const char *kafka_conf_doubt(const struct kafka_conf *conf, unsigned i);

#endif
