#include "service/vault/anchor.h"

enum status anchor_read(struct store *s, struct anchor *a)
{
    enum status st = bytes_status(&a->key);

    return st == ST_OK ? store_get(s, bytes_span(&a->key), &a->value, &a->revision) : st;
}

struct store_write anchor_touch(const struct anchor *a)
{
    return (struct store_write){ bytes_span(&a->key), bytes_span(&a->value), a->revision };
}

void anchor_clear(struct anchor *a)
{
    bytes_clear(&a->key);
    bytes_clear(&a->value);
    a->revision = 0;
}
