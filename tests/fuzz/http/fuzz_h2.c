/* HTTP/2: whatever comes, it ends and what the handler sees keeps the promises. The first bytes choose how the handler
 * answers and how the rest is cut; the preface is put ahead of what has none. */
#include "tests/fuzz/http/rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
    uint8_t how = size > 0 ? data[size - 1] : 0;
    struct span in = span_of(data, size);
    struct rig r;

    rig_open(&r, true);
    r.keep = (how & 1) != 0;
    r.answer_len = (how & 2) != 0 ? 100000 : 10;
    if (!span_starts_with(in, span_text("PRI")))
        rig_receive(&r, span_of(preface, sizeof preface), 0);
    rig_receive(&r, span_of(in.p, in.len / 2), how >> 4);
    rig_release(&r);
    rig_receive(&r, span_of(in.p + in.len / 2, in.len - in.len / 2), how >> 4);
    if ((how & 4) != 0)
        protocol_drain(r.protocol);
    for (int i = 0; i < 3; i++) {
        r.now_us += (how & 8) != 0 ? 31000000 : 1000000;
        protocol_tick(r.protocol);
        rig_produce(&r);
    }
    rig_close(&r);
    return 0;
}
