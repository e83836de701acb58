/* Reads JSON text straight into tables; docs/decisions/0017-json-in-the-guest.md says why here and not on the host.

   The rules are those of host/value/src/json. What is unusual, and what is malformed, is left to the host, which words every
   refusal: `false` says so. What was read until then is garbage on Lua's stack.

   A zero byte, which JSON has nowhere, ends every string of Lua's, so most steps need not look for the end. */
#include <math.h>
#include <string.h>

#include "guest.h"
#include "lapi.h"
#include "lgc.h"
#include "lobject.h"
#include "lstate.h"
#include "lstring.h"
#include "ltable.h"
#include "words.h"

typedef struct {
  lua_State *L;
  const uint8_t *at, *end;
} reader;

/* How many values of a table wait on the stack, so that a small table is made in its final size. */
enum { BATCH = 64 };

static bool read_value(reader *r, int depth);

/* The first byte behind white space, which is passed too. */
static uint8_t next_byte(reader *r) {
  while (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r') r->at++;
  return *r->at++;
}

/* --- strings -------------------------------------------------------------------------------------------------------- */

static void keep(const uint8_t *from, size_t length) {
  memcpy(make_room(&scratch, length), from, length);
  scratch.length += length;
}

/* Four hexadecimal digits, or -1. */
static int read_unit(reader *r) {
  int unit = 0;
  for (int i = 0; i < 4; i++) {
    uint8_t digit = *r->at++, letter = digit | 0x20;
    if (digit >= '0' && digit <= '9')
      unit = unit << 4 | (digit - '0');
    else if (letter >= 'a' && letter <= 'f')
      unit = unit << 4 | (letter - 'a' + 10);
    else
      return -1;
  }
  return unit;
}

static bool read_unicode(reader *r) {
  int unit = read_unit(r);
  if (unit >= 0xd800 && unit < 0xdc00) {
    if (*r->at != '\\' || r->at[1] != 'u') return false;
    r->at += 2;
    int low = read_unit(r);
    if (low < 0xdc00 || low > 0xdfff) return false;
    unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
  } else if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) {
    return false;
  }
  char text[UTF8BUFFSZ];
  int length = luaO_utf8esc(text, (unsigned long)unit);
  keep((const uint8_t *)text + UTF8BUFFSZ - length, (size_t)length);
  return true;
}

static bool read_escape(reader *r) {
  static const char forms[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
  uint8_t name = *r->at++;
  if (name == 'u') return read_unicode(r);
  for (const char *form = forms; *form != '\0'; form += 2) {
    if ((uint8_t)form[0] != name) continue;
    keep((const uint8_t *)form + 1, 1);
    return true;
  }
  return false;
}

static void push_string(lua_State *L, const uint8_t *text, size_t length) {
  TString *string = luaS_newlstr(L, (const char *)text, length);
  setsvalue2s(L, L->top.p, string);
  api_incr_top(L);
}

/* Behind the opening quote. Only a string with escapes is put together in `scratch`. */
static bool read_string(reader *r) {
  const uint8_t *run = r->at;
  size_t start = scratch.length;
  bool fine = true;
  while (fine) {
    uint64_t word = load_word(r->at);
    size_t plain = before_mark(marks_equal(word, '"') | marks_equal(word, '\\') | marks_below(word, ' ') | word);
    r->at += plain;
    if (plain == sizeof word) continue;
    if (*r->at == '"') {
      if (scratch.length == start) {
        push_string(r->L, run, (size_t)(r->at - run));
      } else {
        keep(run, (size_t)(r->at - run));
        push_string(r->L, scratch.data + start, scratch.length - start);
      }
      r->at++;
      break;
    } else if (*r->at == '\\') {
      keep(run, (size_t)(r->at++ - run));
      fine = read_escape(r);
      run = r->at;
    } else {
      size_t size = *r->at < 0x80 ? 0 : utf8_sequence(r->at, (size_t)(r->end - r->at));
      fine = size > 0;
      r->at += size;
    }
  }
  scratch.length = start;
  return fine;
}

/* --- numbers -------------------------------------------------------------------------------------------------------- */

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { EXACT_POWER = sizeof powers / sizeof *powers - 1 };

/* Reads on into `number`; gives how many digits there were, or -1 if they became too many for 64 bits. */
static int read_digits(reader *r, uint64_t *number) {
  const uint8_t *first = r->at;
  for (; (uint8_t)(*r->at - '0') < 10; r->at++) {
    if (*number > UINT64_MAX / 10 - 1) return -1;
    *number = *number * 10 + (*r->at - '0');
  }
  return (int)(r->at - first);
}

/* number / 10^places, rounded once: either the operands are exact or nothing is divided, or the quotient is an integer with
   more bits than a mantissa, the last of which stands for all that follow. */
static double divided(uint64_t number, int places) {
  if (number < 1ull << 53 || places == 0) return (double)number / powers[places];
  uint64_t fives = 1; /* 10^places is 5^places * 2^places */
  for (int i = 0; i < places; i++) fives *= 5;
  int shift = __builtin_clzll(number) + 62 - __builtin_clzll(fives); /* gives a quotient between 2^61 and 2^63 */
  unsigned __int128 dividend = (unsigned __int128)number << shift;
  uint64_t quotient = (uint64_t)(dividend / fives);
  bool inexact = (unsigned __int128)quotient * fives != dividend;
  return scalbn((double)(quotient | inexact), -shift - places);
}

static bool push_float(lua_State *L, bool negative, uint64_t number, int places) {
  double x;
  if (places >= 0 && places <= EXACT_POWER)
    x = divided(number, places);
  else if (places < 0 && places >= -EXACT_POWER && number < 1ull << 53)
    x = (double)number * powers[-places];
  else
    return false;
  lua_pushnumber(L, negative ? -x : x);
  return true;
}

static bool push_integer(lua_State *L, bool negative, uint64_t number) {
  if (number > (uint64_t)LUA_MAXINTEGER) return false;
  lua_pushinteger(L, negative ? -(lua_Integer)number : (lua_Integer)number);
  return true;
}

static bool read_number(reader *r) {
  bool negative = *r->at == '-';
  r->at += negative;
  const uint8_t *first = r->at;
  uint64_t number = 0;
  int whole = read_digits(r, &number);
  if (whole < 1 || (whole > 1 && *first == '0')) return false;
  bool is_integer = !(negative && number == 0); /* as an integer, -0 would lose its sign */
  int places = 0;
  if (*r->at == '.') {
    r->at++;
    places = read_digits(r, &number);
    if (places < 1) return false;
    is_integer = false;
  }
  if ((*r->at | 0x20) == 'e') {
    r->at++;
    bool down = *r->at == '-';
    if (down || *r->at == '+') r->at++;
    uint64_t exponent = 0;
    if (read_digits(r, &exponent) < 1 || exponent > 1000) return false;
    places += down ? (int)exponent : -(int)exponent;
    is_integer = false;
  }
  return is_integer ? push_integer(r->L, negative, number) : push_float(r->L, negative, number, places);
}

/* --- tables --------------------------------------------------------------------------------------------------------- */

static Table *push_table(lua_State *L) {
  Table *table = luaH_new(L);
  sethvalue2s(L, L->top.p, table);
  api_incr_top(L);
  return table;
}

/* What waited on the stack is in the table now. */
static void settle(lua_State *L, Table *table, int count) {
  L->top.p -= count;
  if (isblack(table)) luaC_barrierback_(L, obj2gco(table));
  luaC_checkGC(L);
}

static void append(lua_State *L, Table *list, uint32_t length, int count, bool last) {
  uint32_t needed = length + (uint32_t)count, room = luaH_realasize(list);
  if (last ? room != needed : room < needed) luaH_resize(L, list, last ? needed : 2 * needed, 0);
  for (int i = 0; i < count; i++) setobj(L, &list->array[length + (uint32_t)i], s2v(L->top.p - count + i));
  settle(L, list, count);
}

/* Of equal keys the last stays, and nil removes, as with any assignment. */
static void assign(lua_State *L, Table *object, bool first, int count) {
  if (first) luaH_resize(L, object, 0, (unsigned)count / 2);
  for (int i = count; i > 0; i -= 2) luaH_set(L, object, s2v(L->top.p - i), s2v(L->top.p - i + 1));
  settle(L, object, count);
}

static bool read_list(reader *r, int depth) {
  Table *list = push_table(r->L);
  if (next_byte(r) == ']') return true;
  r->at--;
  for (uint32_t length = 0;; length += BATCH) {
    for (int count = 1; count <= BATCH; count++) {
      if (!read_value(r, depth)) return false;
      uint8_t next = next_byte(r);
      if (next == ']') {
        append(r->L, list, length, count, true);
        return true;
      }
      if (next != ',') return false;
    }
    append(r->L, list, length, BATCH, false);
  }
}

static bool read_object(reader *r, int depth) {
  Table *object = push_table(r->L);
  uint8_t next = next_byte(r);
  if (next == '}') {
    luaH_resize(r->L, object, 0, 1); /* so that it stays an object: see put_table in json_encode.c */
    return true;
  }
  for (bool first = true;; first = false) {
    for (int count = 2; count <= BATCH; count += 2) {
      if (next != '"' || !read_string(r) || next_byte(r) != ':' || !read_value(r, depth)) return false;
      next = next_byte(r);
      if (next == '}') {
        assign(r->L, object, first, count);
        return true;
      }
      if (next != ',') return false;
      next = next_byte(r);
    }
    assign(r->L, object, first, BATCH);
  }
}

static bool read_word(reader *r, const char *word, size_t length) {
  if (strncmp((const char *)r->at, word, length) != 0) return false;
  r->at += length;
  return true;
}

static bool read_value(reader *r, int depth) {
  switch (next_byte(r)) {
    case '"': return read_string(r);
    case '[': return depth < MAX_DEPTH && lua_checkstack(r->L, BATCH + 2) && read_list(r, depth + 1);
    case '{': return depth < MAX_DEPTH && lua_checkstack(r->L, BATCH + 2) && read_object(r, depth + 1);
    case 't': lua_pushboolean(r->L, true); return read_word(r, "rue", 3);
    case 'f': lua_pushboolean(r->L, false); return read_word(r, "alse", 4);
    case 'n': lua_pushnil(r->L); return read_word(r, "ull", 3);
    default: r->at--; return read_number(r);
  }
}

int json_decode(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  reader r = {L, (const uint8_t *)text, (const uint8_t *)text + length};
  if (!read_value(&r, 0) || (next_byte(&r), r.at <= r.end)) return 0;
  return 1;
}

int open_json(lua_State *L) {
  static const luaL_Reg functions[] = {{"json_encode", json_encode}, {"json_decode", json_decode}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  return 0;
}
