/* HTTP/1.1: whatever comes, it ends, what the handler sees keeps the promises, and the cut makes no difference. */
#include "tests/fuzz/http/rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rig whole, cut;

    rig_open(&whole, false);
    rig_receive(&whole, span_of(data, size), 0);
    rig_open(&cut, false);
    rig_receive(&cut, span_of(data, size), 1 + (size > 0 ? data[size - 1] % 7 : 0));
    INVARIANT(span_equal(bytes_span(&whole.out), bytes_span(&cut.out)));
    INVARIANT(span_equal(bytes_span(&whole.log), bytes_span(&cut.log)));
    whole.now_us += 1000000000;
    protocol_tick(whole.protocol);
    rig_produce(&whole);
    rig_close(&whole);
    rig_close(&cut);
    return 0;
}
