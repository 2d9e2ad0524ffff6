/* The words of a text, numbered as they were met, and what the network is told about each new one: `words.py` by a compiler.
 *
 * Text comes as code points. What a code point is (`kinds`) and its small and title forms are tables of the caller, who
 * knows Unicode; a word whose forms are not letter by letter is marked, and described by the caller. No function
 * allocates; the most that each writes is in its comment. Nothing here needs Python's headers.
 */
#include <stdint.h>

#if defined(_WIN32)
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

enum { LETTER = 1, DECIMAL = 2, BLANK = 4, UPPER = 8, ALPHA = 16, DIGIT = 32, ODD = 64 };
enum { SAME = 1, ALPHABETIC = 2, ASCII = 4, STRANGE = 8, EMPTY = 16 };

/* The end of the word that begins at `at`: a run of letters, of digits, of blanks, one that holds line ends, or a sign. */
static inline int64_t word_end(const uint32_t *text, int64_t at, int64_t end, const uint8_t *kinds)
{
    uint8_t kind = kinds[text[at]];
    int64_t next = at + 1;
    if (kind & (LETTER | DECIMAL)) {
        kind &= LETTER | DECIMAL;
        while (next < end && (kinds[text[next]] & kind))
            next++;
    } else if (kind & BLANK) {
        int line = text[at] == '\n';
        while (next < end && (kinds[text[next]] & BLANK) && (line || text[next] != '\n'))
            next++;
    }
    return next;
}

static inline uint64_t mixed(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    return x;
}

/* The number of each word of `texts` texts, which lie in `text` between `bounds`; `rest` zeros before, between and after
 * them. `numbers`, `begins` (from the text's start), `ends` and `owner` take at most (letters + rest * (texts + 1)) each.
 * `keys` and `ids` are a table of `slots` (a power of two, more than twice the words that it will hold) from hash to number;
 * a word that it lacks gets the next one, from *known on, and its place in `text` goes to `fresh` (begin, end).
 */
PUBLIC int64_t lexer_split(const uint32_t *text, const int64_t *bounds, int64_t texts, int64_t rest, const uint8_t *kinds,
                           uint64_t *keys, int32_t *ids, int64_t slots, int64_t *known, int64_t *numbers,
                           int32_t *begins, int32_t *ends, int32_t *owner, int64_t *fresh)
{
    int64_t count = 0, first = *known;
    for (int64_t i = 0; i < rest; i++)
        numbers[count] = 0, begins[count] = ends[count] = owner[count] = 0, count++;
    for (int64_t number = 0; number < texts; number++) {
        const int64_t low = bounds[number], high = bounds[number + 1];
        for (int64_t at = low, end; at < high; at = end) {
            end = word_end(text, at, high, kinds);
            uint64_t hash = 0x9e3779b97f4a7c15u ^ (uint64_t)(end - at);
            for (int64_t i = at; i < end; i++)
                hash = (hash ^ text[i]) * 0x9fb21c651e98df25u, hash ^= hash >> 29;
            hash = mixed(hash) | 1; /* zero is an empty slot */
            int64_t slot = (int64_t)(hash >> 20) & (slots - 1);
            while (keys[slot] && keys[slot] != hash)
                slot = (slot + 1) & (slots - 1);
            if (!keys[slot]) {
                keys[slot] = hash;
                fresh[2 * (*known - first)] = at;
                fresh[2 * (*known - first) + 1] = end;
                ids[slot] = (int32_t)(*known)++;
            }
            numbers[count] = ids[slot];
            begins[count] = (int32_t)(at - low);
            ends[count] = (int32_t)(end - low);
            owner[count++] = (int32_t)number;
        }
        for (int64_t i = 0; i < rest; i++)
            numbers[count] = 0, begins[count] = ends[count] = owner[count] = 0, count++;
    }
    return count;
}

/* CRC-32 (IEEE 802.3), reflected, of a code point's UTF-8 behind what `crc` holds. */
static uint32_t crc_table[256];

/* Prepares the library, and is raised with every change of a function's meaning: one of another number is not used. */
PUBLIC int64_t lexer_version(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
        crc_table[i] = value;
    }
    return 1;
}

static inline uint32_t byte_more(uint32_t crc, uint32_t byte) { return crc >> 8 ^ crc_table[(crc ^ byte) & 255]; }

static inline uint32_t more(uint32_t crc, uint32_t point)
{
    if (point < 0x80)
        return byte_more(crc, point);
    if (point < 0x800)
        return byte_more(byte_more(crc, 0xc0 | point >> 6), 0x80 | (point & 63));
    if (point < 0x10000) {
        crc = byte_more(crc, 0xe0 | point >> 12);
    } else {
        crc = byte_more(crc, 0xf0 | point >> 18);
        crc = byte_more(crc, 0x80 | (point >> 12 & 63));
    }
    return byte_more(byte_more(crc, 0x80 | (point >> 6 & 63)), 0x80 | (point & 63));
}

#define NONE 0xffffffffu /* the state of an empty CRC; its value is the complement of its state */

/* What is told about `count` words at (begin, end) of `places`: eight numbers each into `out` (checksums of the word, of it
 * with a capital, of its small form, of its key; then rows of its first three letters, last three, last two, and its shape), and
 * its flags. */
PUBLIC int64_t lexer_describe(const uint32_t *text, const int64_t *places, int64_t count, const uint8_t *kinds,
                              const uint32_t *lower, const uint32_t *title, uint32_t prefixes, uint32_t suffixes,
                              uint32_t shapes, uint32_t *out, uint8_t *flags)
{
    static const uint32_t line[] = {'\n'}, gap[] = {'\t'};
    for (int64_t n = 0; n < count; n++, out += 8) {
        const uint32_t *word = text + places[2 * n];
        int64_t size = places[2 * n + 1] - places[2 * n];
        if (kinds[word[0]] & BLANK) { /* as `words.plain` has it */
            int lines = 0, tabs = 0;
            for (int64_t i = 0; i < size; i++)
                lines |= word[i] == '\n', tabs |= word[i] == '\t';
            word = lines ? line : gap;
            size = lines || tabs || size > 2;
        }
        uint32_t own = NONE, high = NONE, small = NONE, zeros = NONE, shape = NONE;
        uint8_t said = SAME | ASCII, digits = size > 0;
        uint32_t run = 0, length = 0;
        for (int64_t i = 0; i < size; i++) {
            const uint32_t point = word[i], low = lower[point];
            const uint8_t kind = kinds[point];
            own = more(own, point);
            small = more(small, low);
            high = more(high, i ? low : title[point]);
            digits &= (kind & DIGIT) != 0;
            if (kind & ODD)
                said |= STRANGE;
            if (low != point)
                said &= (uint8_t)~SAME;
            if (point > 127)
                said &= (uint8_t)~ASCII;
            if (i < 12) {
                const uint32_t form = kind & UPPER ? 'X' : kind & ALPHA ? 'x' : kind & DIGIT ? 'd' : point;
                length = form == run ? length + 1 : 1;
                run = form;
                if (length <= 3)
                    shape = more(shape, form);
            }
        }
        if (size > 12)
            shape = more(shape, '+');
        for (int64_t i = 0; i < (size < 8 ? size : 8); i++)
            zeros = more(zeros, '0');
        if (size && (kinds[word[0]] & ALPHA))
            said |= ALPHABETIC;
        if (!size)
            said |= EMPTY;
        uint32_t prefix = more(NONE, 'p'), suffix = more(NONE, 's'), ending = more(NONE, 'q');
        for (int64_t i = 0; i < (size < 3 ? size : 3); i++)
            prefix = more(prefix, word[i]);
        for (int64_t i = size < 3 ? 0 : size - 3; i < size; i++)
            suffix = more(suffix, lower[word[i]]);
        for (int64_t i = size < 2 ? 0 : size - 2; i < size; i++)
            ending = more(ending, lower[word[i]]);
        out[0] = ~own;
        out[1] = ~high;
        out[2] = ~small;
        out[3] = digits ? ~zeros : ~small;
        out[4] = ~prefix % prefixes;
        out[5] = ~suffix % suffixes;
        out[6] = ~ending % suffixes;
        out[7] = ~shape % shapes;
        flags[n] = said;
    }
    return count;
}
