#include "provisioning/attest/device_file.h"

#include "firmware/base/base64url.h"
#include "provisioning/cli/input_file.h"
#include "provisioning/cli/result_file.h"
#include "provisioning/link/pem.h"
#include "service/json/json.h"

#define P256_SPKI_LEN 91 /* DER: RFC 5480 */

int device_file_write(const struct invocation *in, const char *path, const Ks__DeviceIdentity *identity)
{
    const uint8_t *p = identity->certificate.data;
    X509 *x = d2i_X509(NULL, &p, (long)identity->certificate.len);
    struct bytes text = { 0 }, pem = { 0 };
    struct json_writer w;
    enum status st;
    int code;

    if (x == NULL)
        return command_refuse(in, "the keystore's certificate does not parse");
    pem_append_certificate(&pem, x);
    X509_free(x);
    json_begin(&w, &text);
    json_open_object(&w, NULL);
    json_put_int(&w, "version", 1);
    json_put_text(&w, "certificate", bytes_span(&pem));
    if (identity->quote_key.len > 0)
        json_put_base64url(&w, "quoteKey", span_of(identity->quote_key.data, identity->quote_key.len));
    json_close_object(&w);
    bytes_append_char(&text, '\n');
    if ((st = bytes_status(&text)) == ST_OK && (st = bytes_status(&pem)) == ST_OK)
        code = result_file_write(in, path, 0444, bytes_span(&text));
    else
        code = command_refuse(in, "%s: %s", path, status_name(st));
    bytes_clear(&text);
    bytes_clear(&pem);
    return code;
}

static enum status take_json(struct span text, struct device_file *out)
{
    struct span pem, key = { 0 };
    int64_t version;
    unsigned count;
    enum status st;
    json_t *root;

    if ((st = json_read_object(text, PEM_FILE_MAX, &root)) != ST_OK)
        return st;
    st = json_get_text(root, "quoteKey", &key);
    if (json_get_int(root, "version", 1, 1, &version) != ST_OK || json_get_text(root, "certificate", &pem) != ST_OK ||
        (st != ST_OK && st != ST_NOT_FOUND) || json_object_size(root) != (st == ST_OK ? 3 : 2))
        st = ST_BAD_REQUEST;
    else if (st == ST_NOT_FOUND || (st = base64url_decode(&out->quote_key, key)) == ST_OK)
        st = pem_certificates(pem, 1, &out->certificate, &count);
    json_decref(root);
    return st;
}

static bool is_p256(EVP_PKEY *key)
{
    char group[32];

    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

/* The signature proves that who made the certificate had the private key. */
static bool is_a_devices(X509 *x)
{
    EVP_PKEY *key = X509_get0_pubkey(x);

    return key != NULL && is_p256(key) && X509_verify(x, key) == 1;
}

/* As the keystore writes it: P-256, its curve by name, its point uncompressed. The device's own key is no second word
 * beside the device's. */
static bool is_a_tpms(const struct bytes *spki, X509 *device)
{
    const uint8_t *p = spki->p;
    EVP_PKEY *key = spki->len == P256_SPKI_LEN ? d2i_PUBKEY(NULL, &p, (long)spki->len) : NULL;
    bool ok =
        key != NULL && p == spki->p + spki->len && is_p256(key) && EVP_PKEY_eq(key, X509_get0_pubkey(device)) != 1;

    EVP_PKEY_free(key);
    return ok;
}

int device_file_read(const struct invocation *in, const char *path, struct device_file *out)
{
    struct bytes text = { 0 };
    int code = input_file_read(in, path, PEM_FILE_MAX, &text);
    enum status st = ST_OK;
    unsigned count;

    *out = (struct device_file){ 0 };
    if (code == EXIT_DONE)
        st = text.p[0] == '{' ? take_json(bytes_span(&text), out)
                              : pem_certificates(bytes_span(&text), 1, &out->certificate, &count);
    bytes_clear(&text);
    if (code != EXIT_DONE)
        return code;
    if (st != ST_OK)
        return command_refuse(in, "%s: %s", path,
                              st == ST_BAD_REQUEST ? "neither a device's file nor its certificate" : status_name(st));
    if (!is_a_devices(out->certificate))
        return command_refuse(in, "%s: not the self-signed certificate of a keystore", path);
    if (out->quote_key.len > 0 && !is_a_tpms(&out->quote_key, out->certificate))
        return command_refuse(in, "%s: its quote key is no P-256 key of a TPM", path);
    return EXIT_DONE;
}

void device_file_clear(struct device_file *d)
{
    X509_free(d->certificate);
    bytes_clear(&d->quote_key);
    *d = (struct device_file){ 0 };
}
