/* keystored as it is run: the real program in its sandbox, spoken to over its socket. */
#include "tests/unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/sim/root_tpm.h"
#include "firmware/wire/pkcs11.h"
#include "tests/unit/board/sim/client.h"
#include "tests/unit/board/sim/swtpm.h"
#include "tests/unit/firmware/ceremony.h"

static struct identity owner, user;
static char folder[80], socket_path[108], pem[160], owner_pem[160];

struct daemon {
    pid_t pid;
    int log;
    char said[4096];
};

static int prepare(void)
{
    snprintf(folder, sizeof folder, "%s/board", scratch_directory());
    snprintf(socket_path, sizeof socket_path, "%s/keystore.sock", folder);
    snprintf(pem, sizeof pem, "%s/keystore.pem", folder);
    snprintf(owner_pem, sizeof owner_pem, "%s/owner.pem", scratch_directory());
    identity_make(&owner);
    identity_make(&user);
    identity_write(&owner, owner_pem);
    return 0;
}

static int clear(void)
{
    identity_clear(&owner);
    identity_clear(&user);
    return 0;
}

static void launch(struct daemon *d, const char *root)
{
    int ends[2];

    CU_ASSERT_FATAL(pipe(ends) == 0);
    d->said[0] = '\0';
    if ((d->pid = fork()) == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDERR_FILENO);
        execl(KEYSTORED, KEYSTORED, "--directory", folder, "--root", root, "--owner", owner_pem, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    d->log = ends[0];
}

/* What it says until it listens or ends. */
static bool listens(struct daemon *d)
{
    size_t len = 0;

    while (strstr(d->said, "listening on") == NULL || strchr(strstr(d->said, "listening on"), '\n') == NULL) {
        struct pollfd p = { .fd = d->log, .events = POLLIN };
        ssize_t n = poll(&p, 1, PATIENCE_MS) == 1 ? read(d->log, d->said + len, sizeof d->said - 1 - len) : 0;

        if (n <= 0)
            return false;
        len += (size_t)n;
        d->said[len] = '\0';
    }
    return true;
}

/* Its exit code, or minus the signal that ended it. */
static int ended(struct daemon *d)
{
    int how = 0;

    waitpid(d->pid, &how, 0);
    close(d->log);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
}

static void start(struct daemon *d, const char *root)
{
    launch(d, root);
    if (!listens(d)) {
        printf("\n%s\n", d->said);
        kill(d->pid, SIGKILL);
        CU_FAIL_FATAL("keystored does not start");
    }
}

static int stop(struct daemon *d, int signal)
{
    kill(d->pid, signal);
    return ended(d);
}

static void connect_as(struct client *c, const struct identity *who)
{
    CU_ASSERT_EQUAL_FATAL(client_connect(c, socket_path, pem, who), ST_OK);
}

static void facts_are_told_and_true(void)
{
    uint8_t image[SHA256_DIGEST_LENGTH];
    struct bytes program = { 0 };
    struct daemon d;
    struct client c;
    Ks__Status *s;

    read_file(KEYSTORED, &program);
    SHA256(program.p, program.len, image);
    start(&d, "insecure-file");
    connect_as(&c, &owner);
    CU_ASSERT_EQUAL_FATAL(client_call(&c, MESSAGE_STATUS, NULL, &s), CKR_OK);
    CU_ASSERT_EQUAL(s->state, KEYSTORE_PROVISIONED);
    CU_ASSERT_EQUAL(s->role, PEER_OWNER);
    CU_ASSERT_STRING_EQUAL(s->board, "sim");
    CU_ASSERT_STRING_EQUAL(s->root, "insecure-file");
    CU_ASSERT_FALSE(s->hardware);
    CU_ASSERT(s->isolation[0] != '\0' && strstr(d.said, s->isolation) != NULL);
    CU_ASSERT(span_equal(span_of(s->firmware_hash.data, s->firmware_hash.len), span_of(image, sizeof image)));
    client_close(&c);
    CU_ASSERT_EQUAL(stop(&d, SIGTERM), 0);
    bytes_clear(&program);
}

static void running_process_is_locked_in(void)
{
    struct bytes status = { 0 };
    struct daemon d;
    char path[64];

    start(&d, "insecure-file");
    snprintf(path, sizeof path, "/proc/%d/status", (int)d.pid);
    read_file(path, &status);
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&status), "NoNewPrivs:\t1"));
    CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&status), "CapEff:\t0000000000000000"));
    if (strstr(d.said, "filter") == NULL && strstr(d.said, "sanitizers") == NULL)
        CU_ASSERT_PTR_NOT_NULL(strstr(bytes_text(&status), "Seccomp:\t2"));
    CU_ASSERT_EQUAL(stop(&d, SIGINT), 0);
    bytes_clear(&status);
}

static void strangers_and_second_keystores_are_refused(void)
{
    struct identity stranger;
    struct daemon d, second;
    struct client c;

    identity_make(&stranger);
    start(&d, "insecure-file");
    if (client_connect(&c, socket_path, pem, &stranger) == ST_OK) /* TLS 1.3: a client learns of it afterwards */
        CU_ASSERT_EQUAL(client_call(&c, MESSAGE_STATUS, NULL, NULL), CKR_DEVICE_REMOVED);
    client_close(&c);
    launch(&second, "insecure-file");
    CU_ASSERT_FALSE(listens(&second));
    CU_ASSERT_EQUAL(ended(&second), 1);
    connect_as(&c, &owner);
    CU_ASSERT_EQUAL(client_call(&c, MESSAGE_STATUS, NULL, NULL), CKR_OK);
    client_close(&c);
    CU_ASSERT_EQUAL(stop(&d, SIGTERM), 0);
    identity_clear(&stranger);
}

static void identity_outlives_a_kill(void)
{
    struct bytes first = { 0 }, second = { 0 };
    struct daemon d;

    start(&d, "insecure-file");
    read_file(pem, &first);
    CU_ASSERT_EQUAL(stop(&d, SIGKILL), -SIGKILL);
    start(&d, "insecure-file");
    read_file(pem, &second);
    CU_ASSERT(first.len > 0 && span_equal(bytes_span(&first), bytes_span(&second)));
    CU_ASSERT_EQUAL(stop(&d, SIGTERM), 0);
    bytes_clear(&first);
    bytes_clear(&second);
}

static ProtobufCBinaryData data_of(const void *p, size_t len)
{
    return (ProtobufCBinaryData){ len, (uint8_t *)(uintptr_t)p };
}

static CK_RV call_of(void *c, uint16_t kind, const ProtobufCMessage *request, void *answer)
{
    return client_call(c, kind, request, answer);
}

static void provision(void)
{
    Ks__Partition partition = KS__PARTITION__INIT;
    Ks__Identity identity = KS__IDENTITY__INIT, *identities[] = { &identity };
    struct client c;

    connect_as(&c, &owner);
    ceremony_domain((struct ceremony_link){ call_of, &c }, "domain", HOLDERS_MIN, QUORUM_MIN);
    identity.fingerprint = data_of(user.fingerprint, sizeof user.fingerprint);
    identity.role = PEER_CLIENT;
    identity.name = (char *)(uintptr_t) "user";
    partition.name = (char *)(uintptr_t) "one";
    partition.policy = (char *)(uintptr_t) "strict";
    partition.n_identities = 1;
    partition.identities = identities;
    CU_ASSERT_EQUAL_FATAL(client_call(&c, MESSAGE_PARTITION_CREATE, &partition.base, NULL), CKR_OK);
    client_close(&c);
}

/* A token with PINs and a session with the user logged in. */
static uint64_t make_token(struct client *c)
{
    Ks__InitToken init = KS__INIT_TOKEN__INIT;
    Ks__InitPin pin = KS__INIT_PIN__INIT;
    Ks__OpenSession open = KS__OPEN_SESSION__INIT;
    Ks__Session *session, logout = KS__SESSION__INIT;
    Ks__Login login = KS__LOGIN__INIT;
    Ks__Attach attach = KS__ATTACH__INIT;
    uint64_t id;

    CU_ASSERT_EQUAL_FATAL(client_call(c, MESSAGE_ATTACH, &attach.base, NULL), CKR_OK);
    init.so_pin = data_of("so-pin-1234", 11);
    init.label = data_of("one                             ", LABEL_LEN);
    CU_ASSERT_EQUAL_FATAL(client_call(c, MESSAGE_INIT_TOKEN, &init.base, NULL), CKR_OK);
    open.read_write = true;
    CU_ASSERT_EQUAL_FATAL(client_call(c, MESSAGE_OPEN_SESSION, &open.base, &session), CKR_OK);
    id = login.session = pin.session = logout.session = session->session;
    login.user_type = CKU_SO;
    login.pin = init.so_pin;
    CU_ASSERT_EQUAL_FATAL(client_call(c, MESSAGE_LOGIN, &login.base, NULL), CKR_OK);
    pin.pin = data_of("user-pin-1234", 13);
    CU_ASSERT_EQUAL_FATAL(client_call(c, MESSAGE_INIT_PIN, &pin.base, NULL), CKR_OK);
    CU_ASSERT_EQUAL_FATAL(client_call(c, MESSAGE_LOGOUT, &logout.base, NULL), CKR_OK);
    login.user_type = CKU_USER;
    login.pin = pin.pin;
    CU_ASSERT_EQUAL_FATAL(client_call(c, MESSAGE_LOGIN, &login.base, NULL), CKR_OK);
    return id;
}

static void generate(struct client *c, uint64_t session, CK_MECHANISM_TYPE type, CK_ATTRIBUTE_TYPE attribute,
                     const void *value, size_t len)
{
    Ks__GenerateKeyPair m = KS__GENERATE_KEY_PAIR__INIT;
    Ks__Mechanism mechanism = KS__MECHANISM__INIT;
    Ks__Template public = KS__TEMPLATE__INIT, private = KS__TEMPLATE__INIT;
    Ks__Attribute size = KS__ATTRIBUTE__INIT, token = KS__ATTRIBUTE__INIT, *first[] = { &size }, *second[] = { &token };
    CK_BBOOL yes = CK_TRUE;

    mechanism.type = type;
    size.type = attribute;
    size.value = data_of(value, len);
    token.type = CKA_TOKEN;
    token.value = data_of(&yes, sizeof yes);
    public.n_attributes = private.n_attributes = 1;
    public.attributes = first;
    private.attributes = second;
    m.session = session;
    m.mechanism = &mechanism;
    m.public_template = &public;
    m.private_template = &private;
    CU_ASSERT_EQUAL(client_call(c, MESSAGE_GENERATE_KEY_PAIR, &m.base, NULL), CKR_OK);
}

/* What the firmware does in its life, behind the filter: a call it does not let through would end the process. */
static void everything_the_firmware_does_passes_the_filter(void)
{
    Ks__Decommission end = KS__DECOMMISSION__INIT;
    struct ceremony_approvals approvals;
    static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
    CK_ULONG bits = 2048, ml_dsa_65 = CKP_ML_DSA_65;
    Ks__Random random = KS__RANDOM__INIT;
    struct client admin, c;
    struct daemon d;
    uint64_t session;

    start(&d, "insecure-file");
    provision();
    connect_as(&c, &user);
    session = make_token(&c);
    generate(&c, session, CKM_EC_KEY_PAIR_GEN, CKA_EC_PARAMS, p256, sizeof p256);
    generate(&c, session, CKM_RSA_PKCS_KEY_PAIR_GEN, CKA_MODULUS_BITS, &bits, sizeof bits);
    generate(&c, session, CKM_ML_DSA_KEY_PAIR_GEN, CKA_PARAMETER_SET, &ml_dsa_65, sizeof ml_dsa_65);
    random.length = RANDOM_MAX;
    CU_ASSERT_EQUAL(client_call(&c, MESSAGE_RANDOM, &random.base, NULL), CKR_OK);
    random.length = 16;
    for (int i = 0; i < 5000; i++) /* beyond the interval after which the generator is seeded anew */
        CU_ASSERT_EQUAL_FATAL(client_call(&c, MESSAGE_RANDOM, &random.base, NULL), CKR_OK);
    connect_as(&admin, &owner);
    CU_ASSERT_EQUAL(client_call(&admin, MESSAGE_SELF_TEST, NULL, NULL), CKR_OK);
    CU_ASSERT_EQUAL(client_call(&admin, MESSAGE_PARTITION_LIST, NULL, NULL), CKR_OK);
    ceremony_approve((struct ceremony_link){ call_of, &admin }, MESSAGE_ZEROISE, &end.base, BIT(0) | BIT(1),
                     &approvals);
    CU_ASSERT_EQUAL(client_call(&admin, MESSAGE_ZEROISE, &end.base, NULL), CKR_OK);
    client_close(&admin);
    client_close(&c);
    CU_ASSERT_EQUAL(stop(&d, SIGTERM), 0);
}

/* A board of its own from here on: the one before is zeroised. */
static void root_key_in_a_tpm(void)
{
    uint8_t more[TPM_DIGEST_LEN] = { 1 };
    struct swtpm tpm;
    struct daemon d;
    struct client c;
    struct tpm *t;
    char root[160];
    Ks__Status *s;

    snprintf(folder, sizeof folder, "%s/tpm-board", scratch_directory());
    snprintf(socket_path, sizeof socket_path, "%s/keystore.sock", folder);
    snprintf(pem, sizeof pem, "%s/keystore.pem", folder);
    swtpm_start(&tpm, "tpm");
    snprintf(root, sizeof root, "tpm:%s", tpm.socket);
    for (int i = 0; i < 3; i++) {
        start(&d, root);
        connect_as(&c, &owner);
        CU_ASSERT_EQUAL_FATAL(client_call(&c, MESSAGE_STATUS, NULL, &s), CKR_OK);
        CU_ASSERT_STRING_EQUAL(s->root, "tpm");
        client_close(&c);
        CU_ASSERT_EQUAL(stop(&d, SIGKILL), -SIGKILL);
    }
    CU_ASSERT_EQUAL_FATAL(tpm_open(tpm.socket, &t), ST_OK);
    CU_ASSERT_EQUAL(tpm_pcr_extend(t, ROOT_TPM_PCR, more), ST_OK);
    tpm_close(t);
    launch(&d, root); /* something else ran since the TPM started: no key */
    CU_ASSERT_FALSE(listens(&d));
    CU_ASSERT_EQUAL(ended(&d), 1);
    swtpm_stop(&tpm);
}

int main(void)
{
    CU_TestInfo cases[] = {
        { "facts are told and true", facts_are_told_and_true },
        { "the running process is locked in", running_process_is_locked_in },
        { "strangers and second keystores are refused", strangers_and_second_keystores_are_refused },
        { "the identity outlives a kill", identity_outlives_a_kill },
        { "everything the firmware does passes the filter", everything_the_firmware_does_passes_the_filter },
        { "the root key is in a TPM", root_key_in_a_tpm },
        CU_TEST_INFO_NULL
    };
    CU_SuiteInfo suites[] = { { "keystored", prepare, clear, NULL, NULL, cases }, CU_SUITE_INFO_NULL };

    return run_suites(suites);
}
