#include "service/vault/key_op.h"

static const char *const names[KEY_OP_COUNT] = {
    [KEY_OP_ENCRYPT] = "encrypt", [KEY_OP_DECRYPT] = "decrypt",  [KEY_OP_SIGN] = "sign",
    [KEY_OP_VERIFY] = "verify",   [KEY_OP_WRAP_KEY] = "wrapKey", [KEY_OP_UNWRAP_KEY] = "unwrapKey",
    [KEY_OP_IMPORT] = "import",   [KEY_OP_EXPORT] = "export",
};

#define SIGNING   (BIT(KEY_OP_SIGN) | BIT(KEY_OP_VERIFY))
#define CIPHERING (BIT(KEY_OP_ENCRYPT) | BIT(KEY_OP_DECRYPT) | BIT(KEY_OP_WRAP_KEY) | BIT(KEY_OP_UNWRAP_KEY))

const char *key_op_name(enum key_op op)
{
    INVARIANT((unsigned)op < KEY_OP_COUNT);
    return names[op];
}

enum key_op key_op_by_name(struct span name)
{
    enum key_op op = 0;

    while (op < KEY_OP_COUNT && !span_is(name, names[op]))
        op++;
    return op;
}

unsigned key_ops_default(enum key_type type)
{
    return type == KEY_TYPE_RSA ? SIGNING | CIPHERING : type == KEY_TYPE_EC ? SIGNING : CIPHERING;
}

bool key_ops_fit(enum key_type type, unsigned ops)
{
    switch (type) {
    case KEY_TYPE_RSA:
        return (ops & ~(SIGNING | CIPHERING)) == 0;
    case KEY_TYPE_EC:
        return (ops & ~SIGNING) == 0;
    case KEY_TYPE_OCT:
        return (ops & ~SIGNING) == 0 || (ops & ~CIPHERING) == 0;
    default:
        return false;
    }
}

unsigned key_ops_uses(enum key_type type, unsigned ops)
{
    unsigned uses = 0;

    if (type == KEY_TYPE_OCT) {
        if ((ops & SIGNING) != 0)
            return KEY_USE_SIGN; /* a MAC is checked by making it */
        uses |= (ops & (BIT(KEY_OP_ENCRYPT) | BIT(KEY_OP_DECRYPT))) != 0 ? KEY_USE_DECRYPT : 0;
        uses |= (ops & (BIT(KEY_OP_WRAP_KEY) | BIT(KEY_OP_UNWRAP_KEY))) != 0 ? KEY_USE_WRAP : 0;
        return uses != 0 ? uses : KEY_USE_DECRYPT;
    }
    uses |= (ops & BIT(KEY_OP_SIGN)) != 0 ? KEY_USE_SIGN : 0;
    /* The API's unwrapKey is decryption of the caller's own bytes (THREATS.md C7). */
    uses |= (ops & (BIT(KEY_OP_DECRYPT) | BIT(KEY_OP_UNWRAP_KEY))) != 0 ? KEY_USE_DECRYPT : 0;
    return uses != 0 ? uses : KEY_USE_SIGN;
}
