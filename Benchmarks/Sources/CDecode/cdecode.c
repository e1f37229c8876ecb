#include "CDecode.h"

static const int8_t digit[256] = {
    ['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

enum { TEXT, CHECK, HEX };

void cdecode(const uint8_t *bytes, size_t count, struct cdecode_counts *counts) {
    uint8_t payload[256], block[1024], line[16];
    size_t digits = 0, length = 0, column = 0;
    uint8_t sum = 0, blocksum = 0, high = 0;
    int state = TEXT;
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = bytes[i];
        if (state == HEX) {
            int8_t value = digit[byte];
            if (value) {
                value -= 1;
                if (digits == 0) {
                    sum = (uint8_t)value;
                } else if (digits & 1) {
                    high = (uint8_t)(value << 4);
                } else {
                    uint8_t whole = high | (uint8_t)value;
                    if (digits / 2 - 1 < sizeof payload) payload[digits / 2 - 1] = whole;
                    sum += whole;
                }
                digits++;
            } else {
                if (byte == '\n' && sum == 0x55 && (digits & 1) && digits > 2) {
                    counts->frames++;
                    counts->sum += payload[0] + payload[digits / 2 - 1];
                } else {
                    counts->rejected++;
                }
                state = TEXT;
            }
            continue;
        }
        if (state == TEXT && byte == ':') {
            state = HEX;
            digits = 0;
            continue;
        }
        blocksum += byte;
        if (length < sizeof block) block[length++] = byte;
        if (state == CHECK) {
            if (blocksum == 0) {
                counts->blocks++;
                counts->sum += block[0] + block[length - 1];
            } else {
                counts->rejected++;
            }
            blocksum = 0;
            length = 0;
            column = 0;
            state = TEXT;
            continue;
        }
        if (byte == '\n') {
            column = 0;
        } else if (byte == '\t') {
            if (column == 8 && line[0] == 'C' && line[1] == 'h' && line[7] == 'm') state = CHECK;
        } else if (column < sizeof line) {
            line[column++] = byte;
        }
    }
}
