/* token_init.c - gives a fresh token its label and PINs: C_InitToken, then C_InitPIN as the SO. The PINs come from the
 * files that the environment names (client.h), never from the command line. */
#include "tests/conformance/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The slot whose token waits to be initialised, or has our label already (a partition is made with its name). */
static bool find_fresh_slot(CK_SLOT_ID *slot)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = COUNT_OF(slots);
    CK_TOKEN_INFO info;

    if (client.f->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        return false;
    for (CK_ULONG i = 0; i < count; i++)
        if (client.f->C_GetTokenInfo(slots[i], &info) == CKR_OK && (info.flags & CKF_TOKEN_INITIALIZED) == 0) {
            *slot = slots[i];
            return true;
        }
    return false;
}

static CK_RV initialise(const char **step)
{
    const char *label = getenv("TOKEN_LABEL");
    CK_UTF8CHAR padded[32];
    CK_SESSION_HANDLE s;
    CK_SLOT_ID slot;
    CK_RV rv;

    memset(padded, ' ', sizeof padded);
    memcpy(padded, label, strnlen(label, sizeof padded));
    *step = "C_Initialize";
    if ((rv = client_initialize()) != CKR_OK)
        return rv;
    *step = "a slot to initialise";
    if (!find_fresh_slot(&slot))
        return CKR_TOKEN_NOT_PRESENT;
    *step = "C_InitToken";
    if ((rv = client.f->C_InitToken(slot, client.so_pin, client.so_pin_len, padded)) != CKR_OK)
        return rv;
    *step = "the initialised token";
    if (!client_find_slot()) /* SoftHSM moves it to another slot */
        return CKR_TOKEN_NOT_RECOGNIZED;
    *step = "C_OpenSession";
    if ((rv = client.f->C_OpenSession(client.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s)) != CKR_OK)
        return rv;
    *step = "C_Login of the SO";
    if ((rv = client.f->C_Login(s, CKU_SO, client.so_pin, client.so_pin_len)) != CKR_OK)
        return rv;
    *step = "C_InitPIN";
    if ((rv = client.f->C_InitPIN(s, client.pin, client.pin_len)) != CKR_OK)
        return rv;
    *step = "C_Finalize";
    return client.f->C_Finalize(NULL);
}

int main(void)
{
    const char *step = "";
    CK_RV rv;

    if (!client_load())
        return EXIT_FAILURE;
    if ((rv = initialise(&step)) != CKR_OK) {
        fprintf(stderr, "token_init: %s: %s\n", step, ckr_name(rv));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
