/* page.h - the pages of a list: $top, $skiptoken and nextLink. */
#ifndef STRONGROOM_MANAGEMENT_PAGE_H
#define STRONGROOM_MANAGEMENT_PAGE_H

#include "service/management/management.h"

#define PAGE_DEFAULT   100
#define PAGE_MAX       1000
#define PAGE_TOKEN_MAX 512

/* A list being written: {"value":[..],"nextLink":".."}. Items come in order of a name; the token of a page is the last
 * name of the one before. */
struct page {
    struct call *call;
    struct json_writer w;
    size_t top, count;
    struct bytes after; /* the name behind which this page begins; empty: at the start */
    struct bytes last;
    bool more;
};

/* Read $top and $skiptoken. false: the answer (400) has been set. */
bool page_begin(struct page *p, struct call *c);
/* Room for another item, called `name`? false: the page is full, and there is more. After true the caller writes it. */
bool page_take(struct page *p, struct span name);
/* End the list and free. */
void page_end(struct page *p);

#endif
