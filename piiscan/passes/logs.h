/* Records of access logs in one pass over their text: CloudTrail's JSON and the lines of S3's server access logs. Part of
 * `passes.c`; `logs_plain.py` does the same in Python, and tests hold the two equal.
 *
 * A record is told by where its fields stand (`spans`: start and length, in bytes of the text, for each of `FIELDS`), by
 * numbers, and by hashes of groups of fields, by which callers know again what they have looked at. Nothing is validated
 * that is not read: values of no interest are passed over by counting brackets outside of strings, at any depth.
 */

#define FIELDS 25
#define NUMBERS 3 /* second since 1970 (-1: no time), bytes sent, bytes received or of the object (-1: not told) */
#define HASHES 4  /* of what was asked for, of who asked, of how it went, of the request's name */
#define ESCAPED ((int32_t)1 << 30) /* added to the length of a JSON string with a backslash in it */

enum {
    F_EVENT, F_SOURCE, F_ERROR, F_CATEGORY, F_MANAGEMENT, F_TYPE,                                  /* how it went */
    F_BUCKET, F_KEY, F_OBJECT_ARN, F_BUCKET_ARN, F_OWNER, F_RECIPIENT, F_COPY,                     /* what was asked for */
    F_KIND, F_PRINCIPAL, F_ARN, F_ACCOUNT, F_USER, F_INVOKED, F_ISSUER, F_PROVIDER, F_BEHALF, F_IP, /* who asked */
    F_REQUEST, F_ID,
    F_TIME = 64, F_SENT, F_RECEIVED, F_ARN_OF_RESOURCE, NODE = 96
};
#define F_HOW_END F_BUCKET
#define F_WHAT_END F_KIND
#define F_WHO_END F_REQUEST

typedef struct {
    const uint8_t *data, *end;
    int32_t *spans;
    int64_t *numbers;
} Record;

static inline uint64_t mixed(uint64_t a, uint64_t b)
{
    Wide product = (Wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* A hash of bytes under a seed that nobody outside knows: callers take texts of equal hashes for equal ones. */
static uint64_t hashed(const uint8_t *text, int64_t size, uint64_t seed)
{
    uint64_t state = mixed(seed ^ 0x9E3779B97F4A7C15u, (uint64_t)size ^ 0xD6E8FEB86659FD93u);
    while (size > 0) {
        uint64_t a = 0, b = 0;
        if (size >= 16) {
            memcpy(&a, text, 8), memcpy(&b, text + 8, 8);
        } else if (size >= 8) {
            memcpy(&a, text, 8), memcpy(&b, text + 8, (size_t)(size - 8));
        } else {
            memcpy(&a, text, (size_t)size);
        }
        state = mixed(a ^ state ^ 0xA0761D6478BD642Fu, b ^ seed ^ 0xE7037ED1A0B428DBu) + 0x9E3779B97F4A7C15u;
        text += 16, size -= 16;
    }
    return state;
}

/* The name of a request as a number that is the same in each process, as it is kept. */
static uint64_t named(const uint8_t *text, int64_t size)
{
    uint64_t state = 0xCBF29CE484222325u;
    for (; size > 0; text += 8, size -= 8) {
        uint64_t word = 0;
        memcpy(&word, text, (size_t)(size < 8 ? size : 8));
        state = (state ^ word) * 0x9E3779B97F4A7C15u;
        state ^= state >> 32;
    }
    return state;
}

static uint64_t group(const Record *record, int first, int behind, uint64_t seed)
{
    uint64_t state = seed;
    for (int field = first; field < behind; field++)
        state = hashed(record->data + record->spans[2 * field], record->spans[2 * field + 1] & (ESCAPED - 1), state);
    return state;
}

static void close_record(const Record *record, uint64_t seed, uint64_t *hashes)
{
    int name = record->spans[2 * F_REQUEST + 1] ? F_REQUEST : F_ID;
    hashes[0] = group(record, F_HOW_END, F_WHAT_END, seed);
    hashes[1] = group(record, F_WHAT_END, F_WHO_END, seed);
    hashes[2] = group(record, F_EVENT, F_HOW_END, seed);
    int32_t size = record->spans[2 * name + 1] & (ESCAPED - 1);
    hashes[3] = size ? named(record->data + record->spans[2 * name], size) : 0;
}

static void open_record(Record *record, int32_t *spans, int64_t *numbers)
{
    record->spans = spans, record->numbers = numbers;
    memset(spans, 0, 2 * FIELDS * sizeof *spans);
    for (int i = 0; i < NUMBERS; i++)
        numbers[i] = -1;
}

static int64_t digits_of(const uint8_t *at, int count)
{
    int64_t value = 0;
    for (int i = 0; i < count; i++) {
        if (!digit(at[i]))
            return -1;
        value = 10 * value + at[i] - '0';
    }
    return value;
}

/* Seconds since 1970. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil. */
static int64_t second_of(int64_t year, int64_t month, int64_t day, int64_t hour, int64_t minute, int64_t second)
{
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second > 60)
        return -1;
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    return ((days * 24 + hour) * 60 + minute) * 60 + second;
}

/* 2026-09-01T10:00:00Z */
static int64_t iso_second(const uint8_t *t, int64_t size)
{
    if (size < 20 || t[4] != '-' || t[7] != '-' || t[10] != 'T' || t[13] != ':' || t[16] != ':')
        return -1;
    return second_of(digits_of(t, 4), digits_of(t + 5, 2), digits_of(t + 8, 2), digits_of(t + 11, 2), digits_of(t + 14, 2),
                     digits_of(t + 17, 2));
}

/* A number as JSON has it, which CloudTrail writes as 55, 55.0 or 1.048576E8; -1 for anything else and beyond 2^62. */
static int64_t whole(const uint8_t *t, int64_t size)
{
    double value = 0, scale = 1;
    int64_t at = 0, power = 0;
    int minus = 0;
    if (size <= 0 || size > 40 || !digit(t[0]))
        return -1;
    for (; at < size && digit(t[at]); at++)
        value = value * 10 + (t[at] - '0');
    if (at < size && t[at] == '.')
        for (at++; at < size && digit(t[at]); at++)
            value += (t[at] - '0') * (scale /= 10);
    if (at < size && (t[at] | 0x20) == 'e') {
        at++;
        if (at < size && (t[at] == '+' || t[at] == '-'))
            minus = t[at++] == '-';
        for (; at < size && digit(t[at]) && power < 100; at++)
            power = 10 * power + t[at] - '0';
        for (; power > 0; power--)
            value = minus ? value / 10 : value * 10;
    }
    return at < size || value > 4e18 ? -1 : (int64_t)(value + 0.5);
}

/* The closing quote of a string, or NULL; `p` is behind the opening one. */
static inline const uint8_t *string_end(const uint8_t *p, const uint8_t *end, int32_t *escaped)
{
    for (;;) {
#if defined(__SSE2__)
        while (p + 16 <= end) {
            __m128i bytes = _mm_loadu_si128((const __m128i *)p);
            int some = _mm_movemask_epi8(
                _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
            if (some) {
                p += __builtin_ctz((unsigned)some);
                break;
            }
            p += 16;
        }
#endif
        while (p < end && *p != '"' && *p != '\\')
            p++;
        if (p >= end)
            return NULL;
        if (*p == '"')
            return p;
        *escaped = ESCAPED;
        p += 2;
    }
}

/* Behind an object or array that `p` stands at, or NULL: it goes on beyond the end. */
static const uint8_t *behind_nest(const uint8_t *p, const uint8_t *end)
{
    int64_t depth = 0;
    int32_t escaped = 0;
    while (p < end) {
#if defined(__SSE2__)
        while (p + 16 <= end) {
            __m128i bytes = _mm_loadu_si128((const __m128i *)p), folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
            int some = _mm_movemask_epi8(_mm_or_si128(
                _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                _mm_or_si128(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')), _mm_cmpeq_epi8(folded, _mm_set1_epi8('}')))));
            if (some) {
                p += __builtin_ctz((unsigned)some);
                break;
            }
            p += 16;
        }
        if (p >= end)
            return NULL;
#endif
        uint8_t c = *p++;
        if (c == '"') {
            p = string_end(p, end, &escaped);
            if (p == NULL)
                return NULL;
            p++;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth <= 0) {
            return p;
        }
    }
    return NULL;
}

static inline const uint8_t *blanks(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* What is wanted of an object: the field or the inner object that a key stands for, -1: neither. */
typedef struct {
    const char *key;
    int8_t size, target;
} Wanted;
#define W(key, target) {key, sizeof key - 1, target}
enum { N_RECORD, N_USER, N_SESSION, N_ISSUER, N_BEHALF, N_PARAMETERS, N_MORE, N_RESOURCES };
static const Wanted of_record[] = {
    W("eventTime", F_TIME), W("eventSource", F_SOURCE), W("eventName", F_EVENT), W("sourceIPAddress", F_IP),
    W("errorCode", F_ERROR), W("requestID", F_REQUEST), W("eventID", F_ID), W("eventCategory", F_CATEGORY),
    W("managementEvent", F_MANAGEMENT), W("recipientAccountId", F_RECIPIENT), W("eventType", F_TYPE),
    W("userIdentity", NODE + N_USER), W("requestParameters", NODE + N_PARAMETERS),
    W("additionalEventData", NODE + N_MORE), W("resources", NODE + N_RESOURCES), {0, 0, 0}};
static const Wanted of_user[] = {
    W("type", F_KIND), W("principalId", F_PRINCIPAL), W("arn", F_ARN), W("accountId", F_ACCOUNT), W("userName", F_USER),
    W("invokedBy", F_INVOKED), W("identityProvider", F_PROVIDER), W("sessionContext", NODE + N_SESSION),
    W("onBehalfOf", NODE + N_BEHALF), {0, 0, 0}};
static const Wanted of_session[] = {W("sessionIssuer", NODE + N_ISSUER), {0, 0, 0}};
static const Wanted of_issuer[] = {W("arn", F_ISSUER), {0, 0, 0}};
static const Wanted of_behalf[] = {W("userId", F_BEHALF), {0, 0, 0}};
static const Wanted of_parameters[] = {
    W("bucketName", F_BUCKET), W("key", F_KEY), W("x-amz-copy-source", F_COPY), {0, 0, 0}};
static const Wanted of_more[] = {W("bytesTransferredOut", F_SENT), W("bytesTransferredIn", F_RECEIVED), {0, 0, 0}};
static const Wanted of_resources[] = {W("ARN", F_ARN_OF_RESOURCE), W("accountId", F_OWNER), {0, 0, 0}};
static const Wanted *const nodes[] = {
    of_record, of_user, of_session, of_issuer, of_behalf, of_parameters, of_more, of_resources};

static void keep(Record *record, int target, const uint8_t *from, int64_t size, int32_t escaped)
{
    if (target == F_TIME) {
        record->numbers[0] = iso_second(from, size);
    } else if (target == F_SENT || target == F_RECEIVED) {
        record->numbers[target - F_SENT + 1] = whole(from, size);
    } else {
        if (target == F_ARN_OF_RESOURCE) {
            /* arn:partition:s3:::bucket, and behind a slash the key */
            const uint8_t *s3 = memchr(from, ':', (size_t)size);
            s3 = s3 ? memchr(s3 + 1, ':', (size_t)(from + size - s3 - 1)) : NULL;
            if (s3 == NULL || from + size - s3 < 6 || memcmp(s3, ":s3:::", 6))
                return;
            target = memchr(s3, '/', (size_t)(from + size - s3)) ? F_OBJECT_ARN : F_BUCKET_ARN;
        }
        if (record->spans[2 * target + 1])
            return; /* the first one counts */
        record->spans[2 * target] = (int32_t)(from - record->data);
        record->spans[2 * target + 1] = (int32_t)size | escaped;
    }
}

#define BROKEN ((const uint8_t *)1)

/* Behind the object that `p` stands at, its wanted fields kept; NULL: it goes on beyond the end; BROKEN. */
static const uint8_t *object_read(Record *record, const uint8_t *p, int node)
{
    const uint8_t *end = record->end;
    for (p = blanks(p + 1, end);; p = blanks(p + 1, end)) {
        int32_t escaped = 0;
        if (p >= end)
            return NULL;
        if (*p == '}')
            return p + 1;
        if (*p != '"')
            return BROKEN;
        const uint8_t *key = p + 1, *close = string_end(key, end, &escaped);
        if (close == NULL)
            return NULL;
        int target = -1;
        for (const Wanted *wanted = nodes[node]; wanted->size; wanted++)
            if (wanted->size == close - key && wanted->key[0] == (char)*key && !memcmp(wanted->key, key, (size_t)wanted->size))
                target = wanted->target;
        p = blanks(close + 1, end);
        if (p >= end)
            return NULL;
        if (*p != ':')
            return BROKEN;
        p = blanks(p + 1, end);
        if (p >= end)
            return NULL;
        if (*p == '"') {
            escaped = 0;
            close = string_end(p + 1, end, &escaped);
            if (close == NULL)
                return NULL;
            if (target >= 0 && target < NODE)
                keep(record, target, p + 1, close - p - 1, escaped);
            p = close + 1;
        } else if (*p == '{') {
            p = target >= NODE && target != NODE + N_RESOURCES ? object_read(record, p, target - NODE) : behind_nest(p, end);
        } else if (*p == '[' && target == NODE + N_RESOURCES) {
            for (p = blanks(p + 1, end);; p = blanks(p + 1, end)) {
                if (p >= end)
                    return NULL;
                if (*p == ']')
                    break;
                if (*p != '{')
                    return BROKEN;
                p = object_read(record, p, N_RESOURCES);
                if (p == NULL || p == BROKEN)
                    return p;
                p = blanks(p, end);
                if (p >= end)
                    return NULL;
                if (*p == ']')
                    break;
                if (*p != ',')
                    return BROKEN;
            }
            p++;
        } else if (*p == '[') {
            p = behind_nest(p, end);
        } else {
            const uint8_t *from = p;
            while (p < end && *p != ',' && *p != '}' && *p != ']' && *p != ' ' && *p != '\n' && *p != '\r' && *p != '\t')
                p++;
            if (p >= end)
                return NULL;
            if (p == from)
                return BROKEN;
            if (target >= 0 && target < NODE && *from != 'n')
                keep(record, target, from, p - from, 0);
        }
        if (p == NULL || p == BROKEN)
            return p;
        p = blanks(p, end);
        if (p >= end)
            return NULL;
        if (*p == '}')
            return p + 1;
        if (*p != ',')
            return BROKEN;
    }
}

static const char OPENS[] = "{\"eventVersion\"";

/* Where the next record begins behind something broken, or `end` less what may be the start of one. */
static const uint8_t *next_record(const uint8_t *p, const uint8_t *end)
{
    const int64_t size = (int64_t)sizeof OPENS - 1;
    for (; p + size <= end; p++) {
        p = memchr(p, '{', (size_t)(end - p));
        if (p == NULL)
            return end;
        if (p + size <= end && !memcmp(p, OPENS, (size_t)size))
            return p;
        if (p + size > end)
            break;
    }
    p = p < end ? memchr(p, '{', (size_t)(end - p)) : NULL;
    return p ? p : end;
}

/* Records of the array of a CloudTrail file, from `begin` on, which stands in that array; at most `most`. `lost`: 1 where
 * `begin` stands in something broken; `last`: nothing comes behind `size`. `state` takes where the next call should begin,
 * how many broken records there were, 1 where the array has ended (2: what is left is broken and another record was not
 * found yet). Returns how many records were written.
 * Source: AWS CloudTrail User Guide, "CloudTrail record contents" and "CloudTrail log file examples". */
PUBLIC int64_t passes_trail(
    const uint8_t *data, int64_t size, int64_t begin, int64_t lost, int64_t last, int64_t longest, uint64_t seed,
    int64_t most, int32_t *spans, int64_t *numbers, uint64_t *hashes, int64_t *state)
{
    Record record = {data, data + size, NULL, NULL};
    const uint8_t *p = data + begin, *end = data + size;
    int64_t count = 0;
    state[1] = state[2] = 0;
    if (lost)
        goto broken;
    while (count < most) {
        while (p < end && (*p == ',' || *p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
            p++;
        if (p >= end)
            break;
        if (*p == ']') {
            state[2] = 1;
            p++;
            break;
        }
        const uint8_t *behind = BROKEN;
        if (*p == '{') {
            open_record(&record, spans + 2 * FIELDS * count, numbers + NUMBERS * count);
            behind = object_read(&record, p, N_RECORD);
        }
        if (behind == NULL && !last && end - p < longest)
            break;
        if (behind != NULL && behind != BROKEN) {
            close_record(&record, seed, hashes + HASHES * count);
            count++;
            p = behind;
            continue;
        }
        state[1]++;
        p++;
    broken:
        p = next_record(p, end);
        if (p + sizeof OPENS - 1 > end) {
            state[2] = 2;
            break;
        }
    }
    state[0] = p - data;
    return count;
}

static const uint8_t *field_end(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *found = memchr(p, ' ', (size_t)(end - p));
    return found ? found : end;
}

static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* [06/Feb/2019:00:00:38 +0000] without its brackets */
static int64_t log_second(const uint8_t *t, int64_t size)
{
    if (size < 26 || t[2] != '/' || t[6] != '/' || t[11] != ':' || t[14] != ':' || t[17] != ':' || t[20] != ' ')
        return -1;
    int64_t month = 0;
    for (int i = 0; i < 12; i++)
        if (!memcmp(MONTHS + 3 * i, t + 3, 3))
            month = i + 1;
    int64_t second = second_of(digits_of(t + 7, 4), month, digits_of(t, 2), digits_of(t + 12, 2), digits_of(t + 15, 2),
                               digits_of(t + 18, 2));
    int64_t zone = digits_of(t + 22, 2) * 3600 + digits_of(t + 24, 2) * 60;
    return second < 0 || zone < 0 ? -1 : t[21] == '-' ? second + zone : second - zone;
}

/* Three digits or a dash, a word, a number or a dash: what follows the request in a line. */
static int follows(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *behind = field_end(p, end);
    if (!(behind - p == 3 && digits_of(p, 3) >= 100) && !(behind - p == 1 && *p == '-'))
        return 0;
    if (behind >= end)
        return 0;
    behind = field_end(behind + 1, end);
    return behind < end && (digit(behind[1]) || behind[1] == '-');
}

static void keep_word(Record *record, int field, const uint8_t *from, const uint8_t *to)
{
    if (to - from == 1 && *from == '-')
        return;
    record->spans[2 * field] = (int32_t)(from - record->data);
    record->spans[2 * field + 1] = (int32_t)(to - from);
}

/* Whether a line is one of an access log, its fields kept. */
static int line_read(Record *record, const uint8_t *p, const uint8_t *end)
{
    static const int8_t fields[] = {F_IP, F_ARN, F_REQUEST, F_EVENT, F_KEY};
    const uint8_t *behind = field_end(p, end);
    if (behind >= end || behind == p)
        return 0;
    keep_word(record, F_OWNER, p, behind);
    p = behind + 1;
    behind = field_end(p, end);
    if (behind >= end || behind == p)
        return 0;
    keep_word(record, F_BUCKET, p, behind);
    p = behind + 1;
    if (p >= end || *p != '[' || (behind = memchr(p, ']', (size_t)(end - p))) == NULL)
        return 0;
    record->numbers[0] = log_second(p + 1, behind - p - 1);
    if (record->numbers[0] < 0 || behind + 1 >= end || behind[1] != ' ')
        return 0;
    p = behind + 2;
    for (int i = 0; i < 5; i++) {
        behind = field_end(p, end);
        if (behind >= end || behind == p)
            return 0;
        keep_word(record, fields[i], p, behind);
        p = behind + 1;
    }
    if (p < end && *p == '"') {
        /* The request may hold quotes; the one that ends it has a status behind it. */
        for (;;) {
            p = memchr(p + 1, '"', (size_t)(end - p - 1));
            if (p == NULL || p + 2 >= end)
                return 0;
            if (p[1] == ' ' && follows(p + 2, end))
                break;
        }
        p += 2;
    } else {
        p = field_end(p, end) + 1;
        if (p >= end || !follows(p, end))
            return 0;
    }
    behind = field_end(p, end);
    keep_word(record, F_TYPE, p, behind);
    p = behind + 1;
    behind = field_end(p, end);
    keep_word(record, F_ERROR, p, behind);
    p = behind + 1;
    behind = field_end(p, end);
    record->numbers[1] = *p == '-' ? 0 : whole(p, behind - p);
    if (behind + 1 < end) {
        p = behind + 1;
        record->numbers[2] = whole(p, field_end(p, end) - p);
    }
    return record->numbers[1] >= 0;
}

/* Lines of a server access log, from `begin` on; at most `most`. `last`: nothing comes behind `size`. `state` takes where
 * the next call should begin and how many lines were broken; empty ones are none. Returns how many were written.
 * Source: Amazon S3 User Guide, "Amazon S3 server access log format". */
PUBLIC int64_t passes_lines(
    const uint8_t *data, int64_t size, int64_t begin, int64_t last, uint64_t seed, int64_t most, int32_t *spans,
    int64_t *numbers, uint64_t *hashes, int64_t *state)
{
    Record record = {data, data + size, NULL, NULL};
    const uint8_t *p = data + begin, *end = data + size;
    int64_t count = 0;
    state[1] = 0;
    while (count < most && p < end) {
        const uint8_t *stop = memchr(p, '\n', (size_t)(end - p));
        if (stop == NULL && !last)
            break;
        const uint8_t *next = stop ? stop + 1 : end;
        stop = stop ? stop : end;
        if (stop > p && stop[-1] == '\r')
            stop--;
        if (stop > p) {
            open_record(&record, spans + 2 * FIELDS * count, numbers + NUMBERS * count);
            if (line_read(&record, p, stop)) {
                close_record(&record, seed, hashes + HASHES * count);
                count++;
            } else {
                state[1]++;
            }
        }
        p = next;
    }
    state[0] = p - data;
    return count;
}

/* Keys as numbers from 0 on, in the order in which they are met, by a table of `slots` (a power of two, more than twice as
 * many as there are keys) that the caller keeps; `ids` is -1 where a slot is free. `fresh` takes the place of each key that
 * was not known. Returns how many these are. */
PUBLIC int64_t passes_numbered(
    const uint64_t *keys, int64_t size, int64_t step, int64_t known, uint64_t *held, int32_t *ids, int64_t slots,
    int32_t *out, int64_t *fresh)
{
    int64_t count = 0;
    for (int64_t i = 0; i < size; i++) {
        uint64_t key = keys[i * step];
        int64_t slot = (int64_t)(key >> 20) & (slots - 1);
        while (ids[slot] >= 0 && held[slot] != key)
            slot = (slot + 1) & (slots - 1);
        if (ids[slot] < 0) {
            held[slot] = key;
            ids[slot] = (int32_t)(known + count);
            fresh[count++] = i;
        }
        out[i] = ids[slot];
    }
    return count;
}
