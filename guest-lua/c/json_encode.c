/* Writes the usual values as JSON text; docs/decisions/0017-json-in-the-guest.md says why here and not on the host.

   The rules are those of host/value/src/json. What is unusual, and what has no JSON form, is left to the host: `false` says so.
   Nothing here asks Lua for memory. So neither a collection nor a finalizer changes the tables through which the walk goes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "lobject.h"
#include "lstate.h"
#include "ltable.h"
#include "words.h"

/* The tables around a value, to find cycles. */
typedef struct level {
  const struct level *parent;
  const Table *table;
  int depth;
} level;

/* The text goes to `scratch`. Each function takes where it goes on and gives where it ends, or NULL for a refusal. Wherever one
   begins there is room for SHORT bytes: for a number, a word, and what stands around it. Whole words are written, and what
   follows writes over their ends. */
enum { SHORT = 64 };

static const uint8_t *limit; /* of `scratch` */

static uint8_t *grow(uint8_t *to, size_t more) {
  scratch.length = (size_t)(to - scratch.data);
  to = make_room(&scratch, more);
  limit = scratch.data + scratch.capacity;
  return to;
}

static inline uint8_t *with_room(uint8_t *to, size_t more) {
  return (size_t)(limit - to) >= more ? to : grow(to, more);
}

static uint8_t *put_value(uint8_t *to, const TValue *value, const level *at);

/* --- strings -------------------------------------------------------------------------------------------------------- */

static uint8_t *put_unicode(uint8_t *to, unsigned unit) {
  static const char digits[] = "0123456789abcdef";
  *to++ = '\\';
  *to++ = 'u';
  for (int shift = 12; shift >= 0; shift -= 4) *to++ = (uint8_t)digits[unit >> shift & 15];
  return to;
}

static uint8_t *put_escape(uint8_t *to, uint8_t byte) {
  static const char forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";
  for (const char *form = forms; *form != '\0'; form += 2) {
    if ((uint8_t)form[0] != byte) continue;
    *to++ = '\\';
    *to++ = (uint8_t)form[1];
    return to;
  }
  return put_unicode(to, byte);
}

static uint8_t *put_string(uint8_t *to, const TString *string) {
  const uint8_t *from = (const uint8_t *)getstr(string);
  size_t left = tsslen(string);
  to = with_room(to, left + SHORT);
  *to++ = '"';
  for (;;) {
    uint64_t word = load_word(from);
    memcpy(to, &word, sizeof word);
    /* 4 is what " and & differ in, and 2 what < and > do. */
    uint64_t marks = marks_equal(word | EACH(4), '&') | marks_equal(word | EACH(2), '>') | marks_equal(word, '\\') |
                     marks_below(word, ' ') | word;
    size_t plain = before_mark(marks);
    if (plain >= left) break;
    from += plain, to += plain, left -= plain;
    if (plain == sizeof word) continue;

    size_t size = utf8_sequence(from, left);
    if (size == 0) return NULL;
    to = with_room(to, left + SHORT);
    if (size == 1) {
      to = put_escape(to, *from);
    } else if (size == 3 && from[0] == 0xe2 && from[1] == 0x80 && (from[2] | 1) == 0xa9) {
      to = put_unicode(to, 0x2000 | (from[2] & 0x3f));
    } else {
      memcpy(to, from, 4);
      to += size;
    }
    from += size, left -= size;
  }
  to[left] = '"';
  return with_room(to + left + 1, SHORT);
}

/* --- numbers -------------------------------------------------------------------------------------------------------- */

enum { DIGITS = 24 };

/* Writes at least `least` digits. */
static uint8_t *put_digits(uint8_t *to, uint64_t number, int least) {
  uint8_t text[DIGITS + DIGITS], *end = text + DIGITS, *at = end;
  while (number > 0 || end - at < least) {
    *--at = (uint8_t)('0' + number % 10);
    number /= 10;
  }
  memcpy(to, at, DIGITS);
  return to + (end - at);
}

static uint8_t *put_integer(uint8_t *to, lua_Integer number) {
  if (number < 0) *to++ = '-';
  return put_digits(to, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 1);
}

/* number / 10^places */
static uint8_t *put_decimal(uint8_t *to, uint64_t number, int places) {
  uint8_t *end = put_digits(to, number, places + 1), *point = end - places;
  uint8_t fraction[DIGITS];
  memcpy(fraction, point, DIGITS);
  *point = '.';
  memcpy(point + 1, fraction, DIGITS);
  return end + 1;
}

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { MOST_PLACES = sizeof powers / sizeof *powers - 1 };

/* Gives the number for which number / 10^places is nearest to `x`, and whether that reads back as `x`: whether it is less than
   half a unit of the mantissa away. All is multiplied by the same power of two, and by 10^places. */
static bool nearest_decimal(double x, int places, uint64_t *number) {
  uint64_t bits, fives = 1;
  memcpy(&bits, &x, sizeof bits);
  uint64_t mantissa = (bits & 0xfffffffffffffu) | 1ull << 52;
  int shift = 1075 - (int)(bits >> 52) - places; /* 10^places is 5^places * 2^places */
  for (int i = 0; i < places; i++) fives *= 5;
  unsigned __int128 exact = (unsigned __int128)mantissa * fives;
  if (shift <= 0) { /* a whole number */
    *number = (uint64_t)(exact << -shift);
    return true;
  }
  if (shift > 120) return false; /* nearest to 0 */
  unsigned __int128 half = (unsigned __int128)1 << (shift - 1);
  *number = (uint64_t)((exact + half) >> shift);
  unsigned __int128 near = (unsigned __int128)*number << shift;
  return (near > exact ? near - exact : exact - near) <= fives / 2;
}

/* The shortest decimal that reads back the same.

   Up to 15 digits: if number / 10^places reads back as x, then x * 10^places, computed in floating point, is off by less
   than 2 * 2^-53 of a number below 10^15, so it rounds to that number; and since both that number and 10^places are exact,
   so is the test by division. Beyond 15 digits the test is in integers. */
static uint8_t *put_float(uint8_t *to, double number) {
  double x = fabs(number);
  if (!(x < 0x1p53)) return NULL;
  if (signbit(number)) *to++ = '-';
  if (x == (double)(int64_t)x) return put_integer(to, (lua_Integer)x);
  int places = 1;
  for (; places <= MOST_PLACES && x * powers[places] < 1e15; places++) {
    uint64_t rounded = (uint64_t)(x * powers[places] + 0.5);
    if ((double)rounded / powers[places] == x) return put_decimal(to, rounded, places);
  }
  for (; places <= MOST_PLACES; places++) {
    uint64_t rounded;
    if (nearest_decimal(x, places, &rounded)) return put_decimal(to, rounded, places);
  }
  return NULL;
}

/* --- tables --------------------------------------------------------------------------------------------------------- */

/* Keys are compared by their first eight bytes, which tells most apart. */
typedef struct {
  uint64_t head;
  const Node *node;
} field;

static inline field field_of(const Node *node) {
  const TString *key = keystrval(node);
  size_t length = tsslen(key);
  uint64_t head = __builtin_bswap64(load_word(getstr(key)));
  return (field){length < 8 ? head & ~(~(uint64_t)0 >> 8 * length) : head, node};
}

static int order(const void *left, const void *right) {
  const field *a = left, *b = right;
  if (a->head != b->head) return a->head < b->head ? -1 : 1;
  const TString *a_key = keystrval(a->node), *b_key = keystrval(b->node);
  size_t a_length = tsslen(a_key), b_length = tsslen(b_key);
  int same = memcmp(getstr(a_key), getstr(b_key), a_length < b_length ? a_length : b_length);
  return same != 0 ? same : (a_length > b_length) - (a_length < b_length);
}

enum { FEW = 16 };

static void sort(field *fields, size_t count) {
  if (count > FEW) return qsort(fields, count, sizeof *fields, order);
  for (size_t i = 1; i < count; i++) {
    field inserted = fields[i];
    size_t at = i;
    for (; at > 0 && order(&inserted, &fields[at - 1]) < 0; at--) fields[at] = fields[at - 1];
    fields[at] = inserted;
  }
}

static uint8_t *put_fields(uint8_t *to, const field *fields, size_t count, const level *here) {
  for (size_t i = 0; i < count; i++) {
    *to++ = i == 0 ? '{' : ',';
    to = put_string(to, keystrval(fields[i].node));
    if (to == NULL) return NULL;
    *to++ = ':';
    to = put_value(to, gval(fields[i].node), here);
    if (to == NULL) return NULL;
  }
  if (count == 0) *to++ = '{';
  *to++ = '}';
  return to;
}

static uint8_t *put_object(uint8_t *to, const Table *table, const level *here) {
  size_t nodes = (size_t)sizenode(table), count = 0;
  field few[FEW], *fields = nodes <= FEW ? few : malloc(nodes * sizeof *fields);
  if (fields == NULL) __builtin_trap(); /* as make_room does */
  bool fine = true;
  for (const Node *node = gnode(table, 0), *end = node + nodes; fine && node < end; node++) {
    if (isempty(gval(node))) continue;
    fine = keytt(node) == ctb(LUA_VSHRSTR) || keytt(node) == ctb(LUA_VLNGSTR);
    if (fine) fields[count++] = field_of(node);
  }
  if (fine) sort(fields, count);
  to = fine ? put_fields(to, fields, count, here) : NULL;
  if (fields != few) free(fields);
  return to;
}

static uint8_t *put_list(uint8_t *to, const Table *table, uint32_t length, const level *here) {
  for (uint32_t i = 0; i < length; i++) {
    *to++ = i == 0 ? '[' : ',';
    to = put_value(to, &table->array[i], here);
    if (to == NULL) return NULL;
  }
  if (length == 0) *to++ = '[';
  *to++ = ']';
  return to;
}

static bool hash_is_empty(const Table *table) {
  for (int i = allocsizenode(table); i > 0; i--)
    if (!isempty(gval(gnode(table, i - 1)))) return false;
  return true;
}

static uint8_t *put_table(uint8_t *to, const Table *table, const level *parent) {
  level here = {parent, table, parent == NULL ? 1 : parent->depth + 1};
  if (here.depth > MAX_DEPTH) return NULL;
  to = with_room(to, SHORT); /* tables that begin with tables take it up */
  for (const level *above = parent; above != NULL; above = above->parent)
    if (above->table == table) return NULL;
  uint32_t room = luaH_realasize(table), length = 0;
  while (length < room && !isempty(&table->array[length])) length++;
  for (uint32_t i = length; i < room; i++)
    if (!isempty(&table->array[i])) return NULL; /* a hole */
  if (length == 0 && !isdummy(table)) return put_object(to, table, &here);
  return hash_is_empty(table) ? put_list(to, table, length, &here) : NULL;
}

static uint8_t *put_word(uint8_t *to, const char *word, size_t length) {
  memcpy(to, word, sizeof(uint64_t));
  return to + length;
}

static uint8_t *put_value(uint8_t *to, const TValue *value, const level *at) {
  switch (ttypetag(value)) {
    case LUA_VFALSE: to = put_word(to, "false\0\0", 5); break;
    case LUA_VTRUE: to = put_word(to, "true\0\0\0", 4); break;
    case LUA_VNUMINT: to = put_integer(to, ivalue(value)); break;
    case LUA_VNUMFLT: to = put_float(to, fltvalue(value)); break;
    case LUA_VSHRSTR:
    case LUA_VLNGSTR: return put_string(to, tsvalue(value));
    case LUA_VTABLE: to = put_table(to, hvalue(value), at); break;
    default: return NULL;
  }
  return to == NULL ? NULL : with_room(to, SHORT);
}

int json_encode(lua_State *L) {
  size_t start = scratch.length;
  lua_settop(L, 1);
  uint8_t *end = put_value(grow(scratch.data + start, SHORT), s2v(L->ci->func.p + 1), NULL);
  scratch.length = start;
  if (end == NULL) return 0;
  const uint8_t *text = scratch.data + start;
  lua_pushlstring(L, (const char *)text, (size_t)(end - text));
  return 1;
}
