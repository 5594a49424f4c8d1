/* watch.h - who wants to be told of which changes, and telling them. */
#ifndef STRONGROOM_STORE_WATCH_H
#define STRONGROOM_STORE_WATCH_H

#include "service/store/engine.h"

struct watch_list;

MUST_CHECK enum status watch_list_new(struct store_engine *engine, struct watch_list **out);
void watch_list_free(struct watch_list *l);
/* Tell everyone of everything they have not been told yet. Called by the writer before a commit's `done`, and by the
 * list's own thread when another process may have written. */
void watch_list_catch_up(struct watch_list *l);
MUST_CHECK enum status watch_list_add(struct watch_list *l, struct span prefix, store_on_change *on_change, void *arg,
                                      struct store_watch **out);
void watch_list_remove(struct watch_list *l, struct store_watch *w);

#endif
