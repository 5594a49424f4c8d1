/* trail.h - a trail's files while they are written: appending, repair after a failed write, the head, segments.
 * Private to this folder. One thread at a time. */
#ifndef STRONGROOM_AUDIT_TRAIL_H
#define STRONGROOM_AUDIT_TRAIL_H

#include "service/audit/segments.h"

struct trail {
    int directory_fd, lock_fd, head_fd;
    int segment_fd;        /* -1: the next append begins a segment */
    uint64_t segment_size; /* durable bytes of it */
    struct chain_point at; /* the newest durable line */
    bool dirty;            /* behind segment_size may be bytes of a write that failed */
    bool closed;           /* the newest line is a closing checkpoint */
    uint64_t set_aside;    /* bytes behind the last whole line that opening moved away; 0: none */
    struct chain_hasher hasher;
};

/* Open the directory, making it if its parent is there, and find the end. On error the trail is closed again.
 * Errors: those of audit_open(). */
MUST_CHECK enum status trail_open(const char *directory, struct trail *t);
void trail_close(struct trail *t);

/* Make lines durable: the last of them is `end`. On error nothing of them stays and t->at is as before.
 * Errors: ST_IO. */
MUST_CHECK enum status trail_append(struct trail *t, struct span lines, const struct chain_point *end);
/* The next append begins a new segment. Errors: ST_IO (then it goes on in the old one). */
MUST_CHECK enum status trail_end_segment(struct trail *t);

/* recover.c: find the end of the trail, whose directory, lock and hasher are open. Sets the rest of *t. */
MUST_CHECK enum status trail_recover(struct trail *t);

#endif
