#include "service/identity/application.h"

#include "service/identity/application_record.h"

#define LIST_PAGE 64

enum status application_create(struct store *s, struct application *app)
{
    ApplicationRecord r = STRONGROOM__IDENTITY__APPLICATION_RECORD__INIT;
    enum status st;

    if (app->client_id.text[0] == '\0')
        app->client_id = guid_random();
    if (app->object_id.text[0] == '\0')
        app->object_id = guid_random();
    /* Given ids may be in upper case; the key is not. */
    if ((st = guid_parse(&app->client_id, span_text(app->client_id.text))) != ST_OK ||
        (st = guid_parse(&app->object_id, span_text(app->object_id.text))) != ST_OK)
        return st;
    r.version = 1;
    r.client_id = app->client_id.text;
    r.object_id = app->object_id.text;
    r.display_name = app->display_name;
    r.enabled = app->enabled;
    st = application_save(s, &r, STORE_ABSENT);
    return st == ST_CONFLICT ? ST_EXISTS : st;
}

enum status application_find(struct store *s, const struct guid *client_id, struct application *out)
{
    ApplicationRecord *r = NULL;
    enum status st = application_load(s, client_id, &r, NULL);

    if (st == ST_OK)
        application_describe(r, out);
    application_free(r);
    return st;
}

struct page {
    struct application found[LIST_PAGE];
    size_t count;
    struct application_key last;
    enum status status;
};

static bool take(const struct store_record *record, void *arg)
{
    struct page *page = arg;
    ApplicationRecord *r = NULL;

    if (record->key.len >= sizeof page->last.text) {
        page->status = ST_CORRUPT;
        return false;
    }
    if ((page->status = application_unpack(record->value, &r)) != ST_OK)
        return false;
    application_describe(r, &page->found[page->count++]);
    application_free(r);
    memcpy(page->last.text, record->key.p, record->key.len);
    page->last.text[record->key.len] = '\0';
    return page->count < LIST_PAGE;
}

/* False: the visitor has seen enough. */
static bool show(const struct page *page, application_visitor *visit, void *arg)
{
    for (size_t i = 0; i < page->count; i++)
        if (!visit(&page->found[i], arg))
            return false;
    return true;
}

/* A page at a time, and the visitor between two reads, so that it may do with the store what it likes. */
enum status application_list(struct store *s, application_visitor *visit, void *arg)
{
    struct page *page = calloc(1, sizeof *page);
    enum status st = page != NULL ? ST_OK : ST_NO_MEMORY;
    bool more = true;

    while (st == ST_OK && more) {
        page->count = 0;
        if ((st = store_range(s, span_text(APPLICATION_PREFIX), span_text(page->last.text), LIST_PAGE, take, page,
                              &more)) == ST_OK &&
            (st = page->status) == ST_OK)
            more = show(page, visit, arg) && more;
    }
    free(page);
    return st;
}

enum status application_delete(struct store *s, const struct guid *client_id)
{
    struct application_key key = application_key_of(client_id);
    struct store_write write = { .key = span_text(key.text), .expected = STORE_ANY };
    struct store_commit commit = { .writes = &write, .count = 1 };
    enum status st = store_get(s, span_text(key.text), NULL, NULL);

    return st == ST_OK ? store_commit(s, &commit) : st;
}

static enum status set_enabled(ApplicationRecord *r, void *arg)
{
    r->enabled = *(bool *)arg;
    return ST_OK;
}

enum status application_set_enabled(struct store *s, const struct guid *client_id, bool enabled)
{
    return application_update(s, client_id, set_enabled, &enabled);
}

static enum status remove_credentials(ApplicationRecord *r, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < r->n_secrets; i++)
        strongroom__identity__client_secret_record__free_unpacked(r->secrets[i], NULL);
    for (size_t i = 0; i < r->n_certificates; i++)
        strongroom__identity__client_certificate_record__free_unpacked(r->certificates[i], NULL);
    r->n_secrets = 0;
    r->n_certificates = 0;
    return ST_OK;
}

enum status application_remove_credentials(struct store *s, const struct guid *client_id)
{
    return application_update(s, client_id, remove_credentials, NULL);
}
