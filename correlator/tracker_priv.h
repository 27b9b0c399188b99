/*
 * tracker_priv: the functions of the first stage, which knows instances, hosts and migrations. A part of
 * correlator_priv.h, which includes it behind the structs.
 */
#ifndef TRACKER_PRIV_H
#define TRACKER_PRIV_H

/* instance.c */
struct instance *inst_find(const struct correlator *corr, const struct fm_uuid *uuid);
struct instance *inst_get(struct correlator *corr, const struct fm_uuid *uuid);
void inst_expect(struct correlator *corr, const struct fm_uuid *uuid);
void inst_fetch(const struct correlator *corr);         /* the expected one */
/* All of them in the order of their UUIDs, which is that of the rows; to be freed. */
struct instance **inst_all(const struct correlator *corr, size_t *ret_n);
void inst_free_all(struct correlator *corr);
void inst_dirty(struct correlator *corr, struct instance *inst);
void inst_soft(struct correlator *corr, struct instance *inst);
void inst_set_owner(struct correlator *corr, struct instance *inst, struct host *host);
/* The same without any consequence but that the hosts' guests are counted. */
void inst_put_on(struct instance *inst, struct host *host);
void inst_delete(struct correlator *corr, struct instance *inst);
void inst_free(struct correlator *corr, struct instance *inst);
/* Works out which facts hold and tells the rules what changed. since: when it began. */
void inst_decide(struct correlator *corr, struct instance *inst, struct fm_time since);
bool inst_is_migrating(const struct instance *inst);
void inst_set_text(struct correlator *corr, char **field, struct fm_str value);
struct fact_values inst_values(struct instance *inst);

/* stamps.c: nova_stamp and run_stamp change softly */
void stamp_moved(struct correlator *corr, struct instance *inst);
void stamp_drop(struct correlator *corr, struct instance *inst);
void stamps_flush(struct correlator *corr, row_sink_f *sink, void *ctx);
void stamps_each_row(const struct correlator *corr, row_sink_f *sink, void *ctx);
void stamps_restore(struct correlator *corr, const struct row_kept *row);
void stamps_free(struct correlator *corr);

/* Another catalogue: the facts that hold beside the main one, for rules that are new. */
void inst_enter_held(struct correlator *corr, struct instance *inst);
/* Whether a state of instances holds, be it the main one or one beside it. */
bool inst_holds(const struct instance *inst, enum fact_id fact);

/* snapshot.c: the list of guests that a bridge sends after each connect; who is not in it ended. */
void snapshot_begin(struct correlator *corr, struct host *h, const struct event *ev);
void snapshot_saw(struct correlator *corr, struct host *h, const struct event *ev);
void snapshot_end(struct correlator *corr, struct host *h, const struct event *ev);
void snapshot_to_row(const struct host *h, struct fm_buf *name, struct fm_buf *body,
		     struct row_kept *ret);
void snapshot_restore(struct correlator *corr, const struct row_kept *row);
void snapshot_free(struct host *h);
/* track_libvirt.c: what is said of a second copy on this host */
void split_text(const struct host *h, struct fm_buf *ret);
/* It is not among the guests of this host any more. */
void lv_vanished(struct correlator *corr, struct instance *inst, struct host *h,
		 const struct event *ev);

/* moves.c: an instance has left this host for another */
void moves_left(struct correlator *corr, const struct host *h);
/* So many, by this alarm; NULL: none. */
int64_t moves_told(const struct corr_alarm *al);

/* host.c */
void host_enter_held(struct correlator *corr, struct host *h);
bool host_holds(const struct host *h, enum fact_id fact);
/* Nova says so, or an alarm that the catalogue makes the cause of failed instances. */
bool host_is_failed(const struct host *h);
/* The alarm that says so; NULL: it has not failed, or no alarm says so. */
const struct corr_alarm *host_failure(const struct host *h);
struct host *host_get(struct correlator *corr, struct fm_str name);
struct host *host_known(const struct correlator *corr, struct fm_str name);
struct host *host_exact(struct correlator *corr, struct fm_str name);
void host_index_aliases(struct correlator *corr, struct host *h);
void host_dirty(struct correlator *corr, struct host *h);
void host_soft(struct correlator *corr, struct host *h);
void host_set_flag(struct correlator *corr, struct host *h, unsigned flag, bool on);
/* libvirtd on it stopped answering. */
void host_link_lost(struct correlator *corr, struct host *h);
/* What Nova's record of its service says of when that was heard last. */
void host_nova_seen(struct correlator *corr, struct host *h, const struct event *ev);
/* Its compute service has sent this itself. */
void host_nova_lives(struct correlator *corr, struct host *h, struct fm_time stamp);
/* Why such a fact holds; NULL: there is nothing to say. */
const char *host_reason(const struct host *h, enum fact_id fact);
/* False for a record that this bridge's partition has already delivered. */
bool host_heard(struct correlator *corr, struct host *h, const struct event *ev);
/* The bridge says itself that n records were lost. */
void host_lost(struct correlator *corr, struct host *h, uint64_t n);
/* Missing by number; and a snapshot that began when so many were missing is whole. */
uint64_t host_missing(const struct host *h);
void host_told_all(struct correlator *corr, struct host *h, uint64_t missing_then);
/* Difference of two hosts' clocks when known well enough; false otherwise. */
bool host_clock_diff(const struct host *a, const struct host *b, int64_t *ret_ns);

/* attempt.c */
bool attempt_is_open(const struct instance *inst);
bool attempt_is_broken(const struct instance *inst);
/* The host to blame when a migration breaks in post-copy. */
struct host *attempt_failed_side(const struct attempt *at);
/* start.ns 0: not known, so it is not judged by time. */
struct attempt *attempt_open(struct correlator *corr, struct instance *inst, struct fm_time start,
			     struct fm_time stamp, struct host *src, struct host *dst);
void attempt_hosts(struct correlator *corr, struct instance *inst, struct host *src,
		   struct host *dst);
/* It runs nowhere any more: the migration ends in its failure. */
void attempt_lost(struct correlator *corr, struct instance *inst, enum attempt_outcome outcome,
		  struct fm_time stamp, const char *why);
/* Post-copy lost its link, or has it again. */
void attempt_broken(struct correlator *corr, struct instance *inst, bool broken);
/* Notes libvirt's view; closes at once, or after the settle time when Nova is to be waited for. */
void attempt_evidence(struct correlator *corr, struct instance *inst, unsigned flag,
		      struct fm_time stamp);
/* The instance migrates no more and did not move: which outcome that is. */
void attempt_rolled_back(struct correlator *corr, struct instance *inst, struct fm_time stamp,
			 struct fm_str reason);
void attempt_close(struct correlator *corr, struct instance *inst, enum attempt_outcome outcome,
		   struct fm_time stamp, const char *reason);
void attempt_paused(struct correlator *corr, struct instance *inst, struct fm_time stamp);
void attempt_runs(struct correlator *corr, struct instance *inst);
void attempt_pause_over(struct correlator *corr, struct instance *inst, struct fm_time stamp);
void attempt_job_completed(struct correlator *corr, struct instance *inst,
			   const struct event *ev);
/* Its limits have changed, or no longer apply. */
void attempt_rearm(struct correlator *corr, struct instance *inst);
void attempt_overdue(struct correlator *corr, struct instance *inst);
void attempt_settle(struct correlator *corr, struct instance *inst);
int64_t attempt_hard_limit_s(const struct correlator *corr, const struct instance *inst);
int64_t attempt_downtime_limit_ms(const struct correlator *corr, const struct instance *inst);
void attempt_free(struct correlator *corr, struct instance *inst);

/* limits.c: the arithmetic of compute-events §2.3 */
int32_t limit_timeout(const struct cat_limits *lim, const struct ev_nova *nova);
int32_t limit_downtime(const struct cat_limits *lim, const struct ev_nova *nova);

/* track_nova.c, track_libvirt.c, request.c */
enum corr_outcome track_nova(struct correlator *corr, const struct event *ev);
enum corr_outcome track_libvirt(struct correlator *corr, const struct event *ev);
enum corr_outcome request_apply(struct correlator *corr, const struct event *ev);

#endif
