#include "provisioning/attest/key_attest.h"

#include "firmware/base/secret.h"
#include "pkcs11/token/module.h"

/* What is under way. */
struct asking {
    const struct invocation *in;
    struct module *module;
    CK_FUNCTION_LIST *f;
    const CK_STRONGROOM_ATTESTATION_FUNCTION_LIST *attestation;
    CK_SESSION_HANDLE session;
};

static int open_module(struct asking *a, const struct config *c)
{
    const char *config = c->token_config[0] != '\0' ? c->token_config : NULL;
    enum status st = module_load(c->token_module, config, &a->module);

    if (st != ST_OK)
        return command_refuse(a->in, "the PKCS#11 module %s cannot be used: %s", c->token_module, status_name(st));
    a->f = module_functions(a->module);
    if ((a->attestation = module_attestation_functions(a->module)) == NULL)
        return command_refuse(a->in, "this token attests no keys; a Strongroom keystore does");
    return EXIT_DONE;
}

static int open_session(struct asking *a, const struct config *c)
{
    struct secret pin = { 0 };
    CK_SLOT_ID slot;
    enum status st;
    CK_RV rv;

    if ((st = module_find_slot(a->module, c->token_label, &slot)) != ST_OK)
        return command_refuse(a->in, "the token \"%s\": %s", c->token_label, status_name(st));
    if ((rv = a->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &a->session)) != CKR_OK)
        return command_refuse(a->in, "the token gives no session (0x%lx)", rv);
    if ((st = secret_read_file(&pin, c->token_pin_file)) != ST_OK)
        return command_refuse(a->in, "%s: %s", c->token_pin_file,
                              st == ST_NOT_PERMITTED ? "a PIN's file must be its owner's alone" : status_name(st));
    rv = a->f->C_Login(a->session, CKU_USER, pin.p, pin.len);
    secret_clear(&pin);
    return rv == CKR_OK ? EXIT_DONE : command_refuse(a->in, "the token does not take the PIN (0x%lx)", rv);
}

/* How many there are of this class; 2 stands for more than one. */
static CK_ULONG count_keys(struct asking *a, CK_OBJECT_CLASS class, const char *label, CK_OBJECT_HANDLE *key)
{
    CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof class }, { CKA_LABEL, (char *)label, strlen(label) } };
    CK_OBJECT_HANDLE found[2];
    CK_ULONG count = 0;

    if (a->f->C_FindObjectsInit(a->session, wanted, ARRAY_LEN(wanted)) != CKR_OK)
        return 0;
    if (a->f->C_FindObjects(a->session, found, ARRAY_LEN(found), &count) != CKR_OK)
        count = 0;
    a->f->C_FindObjectsFinal(a->session);
    if (count > 0)
        *key = found[0];
    return count;
}

static int find_key(struct asking *a, const char *label, CK_OBJECT_HANDLE *key)
{
    static const CK_OBJECT_CLASS classes[] = { CKO_PRIVATE_KEY, CKO_SECRET_KEY, CKO_PUBLIC_KEY };
    CK_ULONG count = 0;

    for (size_t i = 0; i < ARRAY_LEN(classes) && count == 0; i++)
        count = count_keys(a, classes[i], label, key);
    if (count == 1)
        return EXIT_DONE;
    return command_refuse(a->in, "the token has %s key with the label \"%s\"", count == 0 ? "no" : "more than one",
                          label);
}

static int fetch(struct asking *a, CK_OBJECT_HANDLE key, struct span nonce, struct bytes *out)
{
    CK_ULONG len = STRONGROOM_ATTESTATION_MAX;
    CK_RV rv;

    if (bytes_reserve(out, len) != ST_OK)
        return command_refuse(a->in, "out of memory");
    rv = a->attestation->C_StrongroomAttest(a->session, key, (CK_BYTE_PTR)(uintptr_t)nonce.p, nonce.len, out->p, &len);
    if (rv != CKR_OK)
        return command_refuse(a->in, "the token does not attest this key (0x%lx)", rv);
    out->len = len;
    return EXIT_DONE;
}

int key_attest(const struct invocation *in, const struct config *c, const char *label, struct span nonce,
               struct bytes *out)
{
    struct asking a = { .in = in, .session = CK_INVALID_HANDLE };
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    int code;

    if ((code = open_module(&a, c)) == EXIT_DONE && (code = open_session(&a, c)) == EXIT_DONE &&
        (code = find_key(&a, label, &key)) == EXIT_DONE)
        code = fetch(&a, key, nonce, out);
    if (a.session != CK_INVALID_HANDLE)
        a.f->C_CloseSession(a.session);
    return code;
}
