/* The passes over every byte of a block, sixteen bytes at a time: where digits, long strings, signs and the inner bytes of
 * UTF-8 stand. `passes.py` does the same with numpy where this file was not compiled; tests hold the two equal.
 *
 * No function allocates, and none writes more than its caller's arrays hold: the most that each can find is in its
 * comment. Nothing here needs Python's headers, so any C compiler of the last ten years builds it.
 */
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#if defined(_WIN32)
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

#define CHUNK 64
typedef uint64_t Bits;
typedef unsigned __int128 Wide;

/* Raised with every change of a function's meaning: a library of another number is not used. */
PUBLIC int64_t passes_version(void) { return 10; }

/* Bit i: byte i of the chunk is one of `low` to `low + span`. */
static inline Bits between(const uint8_t *chunk, uint8_t low, uint8_t span, uint8_t fold)
{
#if defined(__SSE2__)
    const __m128i first = _mm_set1_epi8((char)low), reach = _mm_set1_epi8((char)span), folded = _mm_set1_epi8((char)fold);
    Bits bits = 0;
    for (int part = 0; part < CHUNK / 16; part++) {
        __m128i bytes = _mm_or_si128(_mm_loadu_si128((const __m128i *)(chunk + 16 * part)), folded);
        __m128i above = _mm_sub_epi8(bytes, first);
        Bits mine = (uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(above, reach), above));
        bits |= mine << (16 * part);
    }
    return bits;
#else
    Bits bits = 0;
    for (int i = 0; i < CHUNK; i++)
        bits |= (Bits)((uint8_t)((chunk[i] | fold) - low) <= span) << i;
    return bits;
#endif
}

static inline Bits sign(const uint8_t *chunk, uint8_t byte) { return between(chunk, byte, 0, 0); }

/* What `passes_sweep` looks for in a chunk: a bit for each byte. */
typedef struct {
    Bits digit, member, colon, dash, dot, at;
} Look;

/* Members are letters, digits and the signs of both alphabets of Base64. */
static inline Look look(const uint8_t *chunk)
{
    Look out = {0, 0, 0, 0, 0, 0};
#if defined(__SSE2__)
    for (int part = 0; part < CHUNK / 16; part++) {
        const int shift = 16 * part;
        __m128i bytes = _mm_loadu_si128((const __m128i *)(chunk + shift));
        __m128i low = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
        __m128i letter = _mm_sub_epi8(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
        __m128i digit = _mm_cmpeq_epi8(_mm_min_epu8(low, _mm_set1_epi8(9)), low);
        __m128i dash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
        letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
        __m128i member = _mm_or_si128(_mm_or_si128(digit, letter), _mm_or_si128(dash, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('_'))));
        member = _mm_or_si128(member, _mm_cmpeq_epi8(_mm_or_si128(bytes, _mm_set1_epi8(4)), _mm_set1_epi8('/'))); /* + / */
        out.digit |= (Bits)(uint16_t)_mm_movemask_epi8(digit) << shift;
        out.member |= (Bits)(uint16_t)_mm_movemask_epi8(member) << shift;
        out.dash |= (Bits)(uint16_t)_mm_movemask_epi8(dash) << shift;
        out.colon |= (Bits)(uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(':'))) << shift;
        out.dot |= (Bits)(uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.'))) << shift;
        out.at |= (Bits)(uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('@'))) << shift;
    }
#else
    out.digit = between(chunk, '0', 9, 0);
    out.dash = sign(chunk, '-');
    out.member = out.digit | between(chunk, 'a', 25, 0x20) | out.dash | sign(chunk, '_') | sign(chunk, '+') | sign(chunk, '/');
    out.colon = sign(chunk, ':');
    out.dot = sign(chunk, '.');
    out.at = sign(chunk, '@');
#endif
    return out;
}

/* The chunk at `at`; behind the end of the block stand zeros. */
static inline const uint8_t *chunk_at(const uint8_t *data, int64_t size, int64_t at, uint8_t *spare)
{
    if (at + CHUNK <= size)
        return data + at;
    memset(spare, 0, CHUNK);
    if (at < size)
        memcpy(spare, data + at, (size_t)(size - at));
    return spare;
}

static inline int64_t emit(Bits bits, int64_t base, int64_t *out, int64_t count)
{
    for (; bits; bits &= bits - 1)
        out[count++] = base + __builtin_ctzll(bits);
    return count;
}

/* In one go, as bytes cost more to read than to look at:
 * - starts and ends of all runs of digits; at most size / 2 + 1;
 * - opens and closes of all runs of `least` (8 to 16) or more members that hold a digit or have `enough` of them; at most
 *   size / (least + 1) + 1;
 * - joints, where one of these begins: two adjacent colons, three colons within `span` (at most 32) bytes, three dashes three
 *   apart, two dots five apart; at most size;
 * - ats, where an at-sign stands; at most size.
 * `counts` takes how many there are of each. Returns the first. */
PUBLIC int64_t passes_sweep(
    const uint8_t *data, int64_t size, int64_t least, int64_t enough, int64_t span, int64_t *starts, int64_t *ends,
    int64_t *opens, int64_t *closes, int64_t *joints, int64_t *ats, int64_t *counts)
{
    uint8_t spare[CHUNK];
    const Bits within = ((Bits)1 << (span + 1)) - 1;
    int64_t started = 0, ended = 0, opened = 0, closed = 0, joined = 0, signs = 0, kept = 0;
    Bits in_digits = 0, in_string = 0;
    Look now = look(chunk_at(data, size, 0, spare));
    for (int64_t at = 0; at < size; at += CHUNK) {
        Look next = look(chunk_at(data, size, at + CHUNK, spare));
        Bits before = now.digit << 1 | in_digits;
        started = emit(now.digit & ~before, at, starts, started);
        ended = emit(before & ~now.digit, at, ends, ended);
        in_digits = now.digit >> 63;

        Wide whole = (Wide)next.member << 64 | now.member; /* bit i of the low half: `least` members begin here */
        whole &= whole >> 1;
        whole &= whole >> 2;
        whole &= whole >> 4;
        whole &= whole >> (least - 8);
        Bits begin = (Bits)whole;
        before = begin << 1 | in_string;
        opened = emit(begin & ~before, at, opens, opened);
        closed = emit(before & ~begin, at + least - 1, closes, closed);
        in_string = begin >> 63;

        Wide colons = (Wide)next.colon << 64 | now.colon, dashes = (Wide)next.dash << 64 | now.dash;
        Wide dots = (Wide)next.dot << 64 | now.dot;
        Bits found = (Bits)(colons & colons >> 1) | (Bits)(dashes & dashes >> 3 & dashes >> 6) | (Bits)(dots & dots >> 5);
        for (Bits left = now.colon & ~found; left; left &= left - 1) {
            Bits after = (Bits)(colons >> __builtin_ctzll(left)) & within;
            after &= after - 1;
            found |= after & (after - 1) ? left & -left : 0; /* three or more */
        }
        joined = emit(found, at, joints, joined);
        signs = emit(now.at, at, ats, signs);
        now = next;
    }
    if (started > ended)
        ends[ended] = size;
    if (opened > closed)
        closes[closed] = size;
    for (int64_t i = 0, run = 0; i < opened; i++) {
        while (run < started && ends[run] <= opens[i])
            run++;
        if (closes[i] - opens[i] >= enough || (run < started && starts[run] < closes[i])) {
            opens[kept] = opens[i];
            closes[kept++] = closes[i];
        }
    }
    counts[0] = started, counts[1] = kept, counts[2] = joined, counts[3] = signs;
    return started;
}

/* Where a byte stands; at most size. Returns how many. */
PUBLIC int64_t passes_byte(const uint8_t *data, int64_t size, int64_t byte, int64_t *out)
{
    uint8_t spare[CHUNK];
    int64_t count = 0;
    for (int64_t at = 0; at < size; at += CHUNK) {
        Bits found = sign(chunk_at(data, size, at, spare), (uint8_t)byte);
        if (size - at < CHUNK)
            found &= ((Bits)1 << (size - at)) - 1;
        count = emit(found, at, out, count);
    }
    return count;
}

static inline int inner(uint8_t byte) { return (int8_t)byte < -64; } /* 0x80 to 0xBF: not the first of its character */

/* The inner bytes of characters of UTF-8 before each chunk, and before the end: size / CHUNK rounded up, and one. */
PUBLIC int64_t passes_marks(const uint8_t *data, int64_t size, int64_t *out)
{
    uint8_t spare[CHUNK];
    int64_t count = 0, total = 0;
    for (int64_t at = 0; at < size; at += CHUNK) {
        const uint8_t *chunk = chunk_at(data, size, at, spare);
        uint8_t mine = 0;
        for (int i = 0; i < CHUNK; i++)
            mine += inner(chunk[i]);
        out[count++] = total;
        total += mine;
    }
    out[count++] = total;
    return count;
}

/* The inner bytes before each of some places, which may lie outside of the block; `marks` are the block's. */
PUBLIC int64_t passes_before(
    const uint8_t *data, int64_t size, const int64_t *marks, const int64_t *places, int64_t count, int64_t *out)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t place = places[i] < 0 ? 0 : places[i] > size ? size : places[i], at = place / CHUNK * CHUNK;
        out[i] = marks[place / CHUNK];
        for (; at < place; at++)
            out[i] += inner(data[at]);
    }
    return count;
}

/* Stretches of a block one behind the other, a line feed before each and behind the last: as many bytes as these have, one
 * for each, and one. Returns how many. */
PUBLIC int64_t passes_framed(
    const uint8_t *data, int64_t size, const int64_t *starts, const int64_t *ends, int64_t count, uint8_t *out)
{
    int64_t at = 0;
    (void)size;
    out[at++] = '\n';
    for (int64_t i = 0; i < count; i++) {
        memcpy(out + at, data + starts[i], (size_t)(ends[i] - starts[i]));
        at += ends[i] - starts[i];
        out[at++] = '\n';
    }
    return at;
}

/* The words of up to `WORD` ASCII letters and digits between lows[i] and highs[i] (ascending, apart) that a table holds,
 * case folded: their entries and the places behind them; at most the bytes between those / 2 + 1. Returns how many.
 *
 * The table is open addressed, `slots` (a power of two, never full) of keys and entries; a key is the word's bytes, first
 * lowest, a free slot is zero. The hash is multiplicative (Knuth, The Art of Computer Programming 3, 6.4); one bit for each
 * value of its upper half says in `sieve` whether any word has it, so that nearly every other word ends there, without a
 * branch that could be foretold wrongly. */
#define WORD 8
static inline uint64_t folded(const uint8_t *data, int64_t size, int64_t begin, int64_t length)
{
    static const uint64_t masks[WORD + 1] = {
        0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF};
    uint64_t key = 0;
    if (begin + WORD <= size)
        memcpy(&key, data + begin, WORD);
    else
        memcpy(&key, data + begin, (size_t)(size - begin));
    return (key | 0x2020202020202020u) & masks[length <= WORD ? length : 0];
}

PUBLIC int64_t passes_words(
    const uint8_t *data, int64_t size, const int64_t *lows, const int64_t *highs, int64_t stretches, const uint64_t *keys,
    const int64_t *entries, const uint8_t *sieve, int64_t slots, int64_t *found, int64_t *stops)
{
    uint8_t spare[CHUNK];
    int64_t count = 0;
    for (int64_t i = 0; i < stretches; i++) {
        int64_t begin = 0; /* of the word that goes on into the next chunk */
        Bits last = 0;
        for (int64_t at = lows[i]; at <= highs[i]; at += CHUNK) {
            const uint8_t *chunk = chunk_at(data, highs[i], at, spare);
            Bits word = between(chunk, '0', 9, 0) | between(chunk, 'a', 25, 0x20);
            Bits before = word << 1 | last, opens = word & ~before;
            last = word >> 63;
            for (Bits closes = before & ~word; closes; closes &= closes - 1) {
                int64_t end = at + __builtin_ctzll(closes);
                if (opens && at + __builtin_ctzll(opens) < end) {
                    begin = at + __builtin_ctzll(opens);
                    opens &= opens - 1;
                }
                uint64_t key = folded(data, size, begin, end - begin), hash = key * 0x9E3779B97F4A7C15u;
                if (!(sieve[hash >> 51] >> (hash >> 48 & 7) & 1))
                    continue;
                for (uint64_t slot = hash >> 32;; slot++) {
                    uint64_t held = keys[slot & (uint64_t)(slots - 1)];
                    if (!held)
                        break;
                    if (held == key) {
                        found[count] = entries[slot & (uint64_t)(slots - 1)];
                        stops[count++] = end;
                        break;
                    }
                }
            }
            if (opens)
                begin = at + 63 - __builtin_clzll(opens);
        }
    }
    return count;
}

/* What a block's words are remembered by: a bit in `seen` (`1 << KEY_BITS` of them, lowest first) for each key.
 *
 * A word is a run of ASCII letters and digits that begins with a letter, case folded. Its keys are its first eight bytes,
 * filled up with zeros, and its length up to fifteen, where these bytes are all letters; and its first three, where it has
 * them. Beyond ASCII the keys are three, and six, bytes from the first of a character on. The hash is multiplicative, as in `passes_words`.
 * Returns the length of the longest run of ASCII digits, or `KEY_RUN`. */
#define KEY_BITS 18
#define KEY_RUN 48
#define KEY_SHORT 0xFFFFFFu
#define KEY_OPENING 16 /* in the place of a length */
#define KEY_END ((Bits)1 << 15)
#define KEY_LETTERS 0x4040404040404040u

static inline void remember(uint8_t *seen, uint64_t key, uint64_t length)
{
    uint64_t hash = (key + length * 0xD1B54A32D192ED03u) * 0x9E3779B97F4A7C15u >> (64 - KEY_BITS);
    seen[hash >> 3] |= (uint8_t)(1 << (hash & 7));
}

/* Whether so many bits in a row are set, the first of them in the lower half. */
static inline int row_of(Wide bits, int64_t count)
{
    int64_t held = 1;
    for (; 2 * held <= count; held *= 2)
        bits &= bits >> held;
    return (Bits)(bits & bits >> (count - held)) != 0;
}

PUBLIC int64_t passes_keys(const uint8_t *data, int64_t size, uint8_t *seen)
{
    static const uint64_t masks[WORD + 1] = {
        0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF};
    uint8_t spare[CHUNK];
    int64_t longest = 0;
    Bits last = 0;
    const uint8_t *chunk = chunk_at(data, size, 0, spare);
    Bits digits = between(chunk, '0', 9, 0), letters = between(chunk, 'a', 25, 0x20);
    for (int64_t at = 0; at < size; at += CHUNK) {
        Bits leads = between(chunk, 0xC0, 0x3F, 0), word = digits | letters;
        chunk = chunk_at(data, size, at + CHUNK, spare);
        Bits digits_behind = between(chunk, '0', 9, 0), letters_behind = between(chunk, 'a', 25, 0x20);
        Wide run = (Wide)(digits_behind | letters_behind) << 64 | word;
        for (Bits opens = letters & ~(word << 1 | last); opens; opens &= opens - 1) {
            int bit = __builtin_ctzll(opens);
            int length = __builtin_ctzll(~(Bits)(run >> bit) | KEY_END);
            uint64_t mask = masks[length < WORD ? length : WORD];
            uint64_t key = 0;
            if (at + bit + 8 <= size)
                memcpy(&key, data + at + bit, 8);
            else
                memcpy(&key, data + at + bit, (size_t)(size - at - bit));
            key = (key | 0x2020202020202020u) & mask;
            if ((key & KEY_LETTERS) == (mask & KEY_LETTERS))
                remember(seen, key, (uint64_t)length);
            if (length >= 3)
                remember(seen, key & KEY_SHORT, KEY_OPENING);
        }
        last = word >> 63;
        if (digits) {
            Wide figures = (Wide)digits_behind << 64 | digits;
            while (longest < KEY_RUN && row_of(figures, longest + 1))
                longest++;
        }
        for (; leads; leads &= leads - 1) {
            int64_t first = at + __builtin_ctzll(leads);
            if (first + 3 > size)
                break;
            uint64_t key = 0;
            memcpy(&key, data + first, (size_t)(first + 6 <= size ? 6 : 3));
            if ((key & 0x808080u) != 0x808080u)
                continue;
            remember(seen, key & KEY_SHORT, KEY_OPENING);
            if ((key & 0x808080808080u) == 0x808080808080u)
                remember(seen, key, 6);
        }
        digits = digits_behind;
        letters = letters_behind;
    }
    return longest;
}

/* The keys whose bits are set, less their `dropped` lower bits, as gaps: a byte below 255 ends one, 255 adds 255 to the
 * next. At most a byte for each bit and for each 255 keys. Returns how many bytes. */
PUBLIC int64_t passes_gaps(const uint8_t *seen, int64_t size, int64_t dropped, uint8_t *out)
{
    int64_t count = 0, last = -1;
    for (int64_t at = 0; at + 8 <= size; at += 8) {
        uint64_t bits;
        memcpy(&bits, seen + at, 8);
        for (; bits; bits &= bits - 1) {
            int64_t key = (8 * at + __builtin_ctzll(bits)) >> dropped, gap = key - last - 1;
            if (gap < 0)
                continue;
            for (; gap >= 255; gap -= 255)
                out[count++] = 255;
            out[count++] = (uint8_t)gap;
            last = key;
        }
    }
    return count;
}

/* From here on: what is read off the runs of digits of a block. `data` holds `size` bytes; there are `runs` runs. */

static inline int letter(uint8_t c) { return (uint8_t)((c | 0x20) - 'a') < 26; }
static inline int capital(uint8_t c) { return (uint8_t)(c - 'A') < 26; }
static inline int digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }
static inline int joins(uint8_t c) { return c == ' ' || c == '-' || c == '.' || c == '/'; }
static inline int loose(uint8_t c) { return c == ' ' || c == '-'; }
static inline int bound(uint8_t c) { return c > 127 || !(letter(c) || digit(c) || c == '_'); }

/* The byte at a place, or at the nearest one that there is. */
static inline uint8_t near(const uint8_t *data, int64_t size, int64_t at)
{
    return data[at < 0 ? 0 : at >= size ? size - 1 : at];
}

/* The sign behind each run but the last, and whether it joins that run to the next: one separator, or a closing bracket and
 * a space. Returns how many. */
PUBLIC int64_t passes_signs(
    const uint8_t *data, int64_t size, const int64_t *starts, const int64_t *ends, int64_t runs, uint8_t *signs,
    uint8_t *joined)
{
    (void)size;
    for (int64_t i = 0; i + 1 < runs; i++) {
        int64_t gap = starts[i + 1] - ends[i];
        signs[i] = data[ends[i]];
        joined[i] = (gap == 1 && joins(signs[i])) || (gap == 2 && signs[i] == ')');
    }
    return runs ? runs - 1 : 0;
}

/* Which runs are no part of a date, a time of day or a dotted quad; at most as many as there are. Returns how many. `dead`
 * is room for a byte for each run. */
PUBLIC int64_t passes_timeless(
    const uint8_t *data, int64_t size, const int64_t *starts, const int64_t *ends, int64_t runs, const uint8_t *signs,
    const uint8_t *joined, uint8_t *dead, int64_t *kept)
{
    (void)size;
    int64_t count = 0;
    memset(dead, 0, (size_t)runs);
    for (int64_t i = 0; i + 1 < runs; i++) {
        int64_t a = ends[i] - starts[i], b = ends[i + 1] - starts[i + 1];
        if (signs[i] == ':' && b == 2 && starts[i + 1] - ends[i] == 1) {
            /* Minutes and seconds, the fraction behind these, and the hour before. */
            dead[i + 1] = 1;
            dead[i] |= a <= 2;
            if (i + 2 < runs)
                dead[i + 2] |= joined[i + 1] && signs[i + 1] == '.';
        }
        if (!joined[i] || i + 2 >= runs || !joined[i + 1] || signs[i] == ' ' || signs[i] != signs[i + 1])
            continue;
        int64_t c = ends[i + 2] - starts[i + 2];
        uint8_t first = data[starts[i]], third = data[starts[i + 2]];
        int year_first = a == 4 && b <= 2 && c <= 2 && (first == '1' || first == '2');
        int year_last = a <= 2 && b <= 2 && c == 4 && (third == '1' || third == '2');
        if (year_first || year_last)
            dead[i] = dead[i + 1] = dead[i + 2] = 1;
        if (signs[i] == '.' && i + 3 < runs && joined[i + 2] && signs[i + 2] == '.') {
            int64_t d = ends[i + 3] - starts[i + 3];
            int small = a <= 3 && b <= 3 && c <= 3 && d <= 3;
            if (small && !(a == 1 && b == 3 && c == 3 && d == 3)) /* 1.023.456.789 is a number, too */
                dead[i] = dead[i + 1] = dead[i + 2] = dead[i + 3] = 1;
        }
    }
    for (int64_t i = 0; i < runs; i++) {
        kept[count] = i;
        count += !dead[i];
    }
    return count;
}

/* The runs joined to groups of `fewest` digits or more: where each begins and ends, its digits, those behind its first run,
 * the byte before it, and flags: 1 a letter stands beside it, directly or behind a blank or a dash; 2 a capital does,
 * directly or behind one sign that joins. At most as many as there are runs. Returns how many. */
PUBLIC int64_t passes_groups(
    const uint8_t *data, int64_t size, const int64_t *starts, const int64_t *ends, int64_t runs, const uint8_t *joined,
    int64_t fewest, int64_t *begins, int64_t *stops, int64_t *totals, int64_t *rests, uint8_t *befores, uint8_t *flags)
{
    int64_t count = 0;
    for (int64_t head = 0, next; head < runs; head = next) {
        int64_t total = ends[head] - starts[head], first = total;
        for (next = head + 1; next < runs && joined[next - 1]; next++)
            total += ends[next] - starts[next];
        if (total < fewest)
            continue;
        int64_t begin = starts[head], end = ends[next - 1];
        uint8_t before = begin > 0 ? data[begin - 1] : '\n', after = end < size ? data[end] : '\n';
        uint8_t further = near(data, size, begin - 2), beyond = near(data, size, end + 1);
        uint8_t third = near(data, size, end + 2);
        int beside = letter(before) || letter(after) || (loose(before) && letter(further)) ||
                     (loose(after) && letter(beyond));
        /* A capital that begins a word is no part of the number before it. */
        int upper = capital(before) || capital(after) || (joins(before) && capital(further)) ||
                    (joins(after) && capital(beyond) && !(letter(third) && !capital(third)));
        begins[count] = begin, stops[count] = end, totals[count] = total, rests[count] = total - first;
        befores[count] = before, flags[count++] = (uint8_t)(beside | upper << 1);
    }
    return count;
}

/* First and last of every `digits` (at most 8) digits within `span` bytes and a bit, in runs with a capital letter beside
 * them, directly or behind one sign that joins; at most as many as the digits. Returns how many. */
PUBLIC int64_t passes_scattered(
    const uint8_t *data, int64_t size, const int64_t *starts, const int64_t *ends, int64_t runs, int64_t digits,
    int64_t span, int64_t *firsts, int64_t *lasts)
{
    int64_t count = 0, seen = 0, ring[8] = {0};
    for (int64_t i = 0; i < runs; i++) {
        uint8_t before = near(data, size, starts[i] - 1), after = near(data, size, ends[i]);
        if (joins(before))
            before = near(data, size, starts[i] - 2);
        if (joins(after))
            after = near(data, size, ends[i] + 1);
        if (!capital(before) && !capital(after))
            continue;
        for (int64_t at = starts[i]; at < ends[i]; at++) {
            ring[seen++ & 7] = at;
            if (seen >= digits && at - ring[(seen - digits) & 7] <= span) {
                firsts[count] = ring[(seen - digits) & 7];
                lasts[count++] = at;
            }
        }
    }
    return count;
}

/* The runs of two digits or more behind two letters that begin a word; with a blank or a dash between, behind capitals. */
PUBLIC int64_t passes_countries(
    const uint8_t *data, int64_t size, const int64_t *starts, const int64_t *ends, int64_t runs, int64_t *out)
{
    (void)size;
    int64_t count = 0;
    for (int64_t i = 0; i < runs; i++) {
        int64_t at = starts[i];
        if (ends[i] - at < 2 || at < 2)
            continue;
        uint8_t one = data[at - 1], two = data[at - 2];
        int together = letter(one) && letter(two) && (at == 2 || bound(data[at - 3]));
        int apart = at > 2 && loose(one) && capital(two) && capital(data[at - 3]) && (at == 3 || bound(data[at - 4]));
        out[count] = at;
        count += together || apart;
    }
    return count;
}

static int word_behind(const uint8_t *data, int64_t size, int64_t start, int64_t least)
{
    for (int64_t step = 2; step < least; step += 3) {
        uint8_t c = near(data, size, start + step);
        if (!letter(c) && !digit(c))
            return 0;
    }
    return 1;
}

/* Where a word of 26 begins with 1 or 3, or one of 11 behind bc, and goes on with a letter behind its digits. */
PUBLIC int64_t passes_wallets(
    const uint8_t *data, int64_t size, const int64_t *starts, const int64_t *ends, int64_t runs, int64_t *out)
{
    int64_t count = 0;
    for (int64_t i = 0; i < runs; i++) {
        int64_t start = starts[i];
        if ((data[start] != '1' && data[start] != '3') || !letter(near(data, size, ends[i])))
            continue;
        uint8_t one = near(data, size, start - 1), two = near(data, size, start - 2);
        int behind = (one | 0x20) == 'c' && (two | 0x20) == 'b' && word_behind(data, size, start, 11);
        int alone = (start == 0 || !letter(one)) && word_behind(data, size, start, 26);
        out[count] = start;
        count += behind || alone;
    }
    return count;
}

/* The dotted quads of hosts that are not part of something longer: the first run of each; at most as many as there are. */
PUBLIC int64_t passes_quads(
    const uint8_t *data, int64_t size, const int64_t *starts, const int64_t *ends, int64_t runs, const uint8_t *signs,
    const uint8_t *joined, int64_t *out)
{
    int64_t count = 0;
    for (int64_t i = 0; i + 3 < runs; i++) {
        if (signs[i] != '.' || !joined[i])
            continue;
        if (signs[i + 1] != '.' || !joined[i + 1] || signs[i + 2] != '.' || !joined[i + 2])
            continue;
        int part[4], good = 1;
        for (int k = 0; k < 4; k++) {
            int64_t at = starts[i + k];
            good &= ends[i + k] - at <= 3;
            part[k] = 0;
            for (; good && at < ends[i + k]; at++)
                part[k] = 10 * part[k] + data[at] - '0';
            good &= part[k] <= 255;
        }
        int64_t start = starts[i], last = ends[i + 3];
        uint8_t before = near(data, size, start - 1), after = near(data, size, last), far = near(data, size, last + 1);
        good &= start == 0 || (bound(before) && before != '.' && before != '-');
        /* A full stop may end the sentence, but not go on with more digits or letters. */
        good &= last == size || (bound(after) && after != '-' && (after != '.' || bound(far)));
        good &= part[0] != 0 && part[0] != 127 && part[0] != 239 && !(part[0] == 224 && part[1] == 0 && part[2] <= 1);
        good &= !(part[0] == 255 && part[1] == 255 && part[2] == 255);
        out[count] = i;
        count += good;
    }
    return count;
}

#include "logs.h"
