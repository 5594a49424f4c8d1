/* engines.h - how each engine is opened. Private to this folder. The engine is the caller's, for ops->close(). */
#ifndef STRONGROOM_STORE_ENGINES_H
#define STRONGROOM_STORE_ENGINES_H

#include "service/store/engine.h"

/* Errors: those of store_open_sqlite(). */
MUST_CHECK enum status sqlite_engine_open(const char *path, enum store_mode mode, struct store_engine **out);
/* Errors: ST_NO_MEMORY. */
MUST_CHECK enum status memory_engine_open(struct store_engine **out);

#endif
