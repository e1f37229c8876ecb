#ifndef CDECODE_H
#define CDECODE_H
#include <stddef.h>
#include <stdint.h>

/// What was found in a stream.
struct cdecode_counts {
    uint64_t frames;
    uint64_t blocks;
    uint64_t rejected;
    /// The sum of all payload bytes, so that nothing can be left out.
    uint64_t sum;
};

/// HEX frames and TEXT blocks in one pass over the bytes, with their sums checked and their contents kept, as plainly
/// as C says it: a table for the digits, a state, no second thoughts about damage.
void cdecode(const uint8_t *bytes, size_t count, struct cdecode_counts *counts);

#endif
