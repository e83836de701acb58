/* Lua values as MessagePack, the form in which they cross to the host (wit/types.wit). */
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "lgc.h"
#include "lobject.h"
#include "lstate.h"
#include "ltable.h"
#include "ltm.h"

enum { ERROR_EXTENSION = 1 };

/* --- writing -------------------------------------------------------------------------------------------------------- */

static void put_byte(buffer *out, uint8_t byte) {
  *make_room(out, 1) = byte;
  out->length++;
}

/* A type byte followed by a big-endian number of `width` bytes. */
static void put_number(buffer *out, uint8_t type, uint64_t number, int width) {
  uint8_t *at = make_room(out, 9);
  *at++ = type;
  for (int shift = (width - 1) * 8; shift >= 0; shift -= 8) *at++ = (uint8_t)(number >> shift);
  out->length += 1 + (size_t)width;
}

static void put_integer(buffer *out, lua_Integer n) {
  if (n >= -32 && n < 128)
    put_byte(out, (uint8_t)n);
  else if (n == (int16_t)n)
    put_number(out, 0xd1, (uint64_t)n, 2);
  else if (n == (int32_t)n)
    put_number(out, 0xd2, (uint64_t)n, 4);
  else
    put_number(out, 0xd3, (uint64_t)n, 8);
}

static void put_float(buffer *out, lua_Number number) {
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  put_number(out, 0xcb, bits, 8);
}

static void put_string(buffer *out, const char *text, size_t length) {
  if (is_utf8((const uint8_t *)text, length)) {
    if (length < 32)
      put_byte(out, (uint8_t)(0xa0 | length));
    else
      put_number(out, 0xdb, length, 4);
  } else {
    put_number(out, 0xc6, length, 4);
  }
  memcpy(make_room(out, length), text, length);
  out->length += length;
}

/* --- encoding --------------------------------------------------------------------------------------------------------- */

/* The walk goes through Lua's tables directly and asks Lua for no memory before it ends: no collection frees what it holds,
   and no finalizer changes what it walks through. */

/* Where the walk stands, for the path in messages and for finding cycles. */
typedef struct level {
  const struct level *parent;
  const void *table;
  TValue key;       /* under which the walk goes on */
  const char *name; /* or a field of an error object */
} level;

typedef struct {
  lua_State *L;
  buffer *out;
  const char *root;
  int number; /* of the argument, or 0 */
} encoder;

static void put_text(buffer *out, const char *text) {
  size_t length = strlen(text);
  memcpy(make_room(out, length), text, length);
  out->length += length;
}

/* How much of a path is shown: what nests deeper is not found by counting brackets. */
enum { LEVELS_SHOWN = 8 };

/* The number of levels, of which the first are put. */
static int put_path(buffer *out, const level *at) {
  if (at == NULL) return 0;
  int depth = put_path(out, at->parent) + 1;
  if (depth > LEVELS_SHOWN) {
    if (depth == LEVELS_SHOWN + 1) put_text(out, "…");
    return depth;
  }
  const TValue *key = &at->key;
  if (at->name != NULL || ttisstring(key)) {
    put_byte(out, '.');
    put_text(out, at->name != NULL ? at->name : getstr(tsvalue(key)));
    return depth;
  }
  char number[LUAI_MAXSHORTLEN + 1];
  if (ttisinteger(key))
    lua_integer2str(number, sizeof number, ivalue(key));
  else if (ttisfloat(key))
    lua_number2str(number, sizeof number, fltvalue(key));
  put_byte(out, '[');
  put_text(out, ttisnumber(key) ? number : ttypename(ttype(key)));
  put_byte(out, ']');
  return depth;
}

/* Leaves a message such as "argument 1.user.callback: a function cannot cross the sandbox boundary". */
static bool reject_named(encoder *e, const level *at, const char *article, const char *name, const char *what) {
  buffer text = {NULL, 0, 0};
  put_text(&text, e->root);
  if (e->number > 0) {
    char number[16];
    lua_integer2str(number, sizeof number, e->number);
    put_byte(&text, ' ');
    put_text(&text, number);
  }
  put_path(&text, at);
  put_text(&text, ": ");
  put_text(&text, article);
  put_text(&text, name);
  put_text(&text, what);
  lua_pushlstring(e->L, (const char *)text.data, text.length);
  free(text.data);
  return false;
}

static bool reject(encoder *e, const level *at, const char *what) {
  return reject_named(e, at, "", "", what);
}

static bool reject_kind(encoder *e, const level *at, const char *name) {
  return reject_named(e, at, "a ", name, " cannot cross the sandbox boundary");
}

static bool encode(encoder *e, const TValue *value, const level *at, int depth);

static bool encode_field(encoder *e, level *here, const TValue *value, int depth) {
  if (ttype(&here->key) == LUA_TUSERDATA || ttype(&here->key) > LUA_TSTRING)
    return reject(e, here, "only strings, numbers and booleans can be keys outside the sandbox");
  return encode(e, &here->key, here, depth) && encode(e, value, here, depth);
}

static bool encode_map(encoder *e, const Table *table, level *here, int depth) {
  size_t start = e->out->length;
  uint32_t count = 0, room = luaH_realasize(table), nodes = (uint32_t)allocsizenode(table);
  put_number(e->out, 0xdf, 0, 4);
  for (uint32_t i = 0; i < room; i++) {
    if (isempty(&table->array[i])) continue;
    setivalue(&here->key, i + 1);
    if (!encode_field(e, here, &table->array[i], depth)) return false;
    count++;
  }
  for (uint32_t i = 0; i < nodes; i++) {
    const Node *node = gnode(table, i);
    if (isempty(gval(node))) continue;
    getnodekey(e->L, &here->key, node);
    if (!encode_field(e, here, gval(node), depth)) return false;
    count++;
  }
  uint8_t *header = e->out->data + start;
  for (int i = 0; i < 4; i++) header[1 + i] = (uint8_t)(count >> (24 - 8 * i));
  return true;
}

/* The n of a table whose keys are exactly 1..n, else 0: so it is if they are positive integers, and n is both the largest of
   them and their number. */
static uint32_t sequence_length(const Table *table) {
  uint32_t count = 0, largest = 0, room = luaH_realasize(table), nodes = (uint32_t)allocsizenode(table);
  for (uint32_t i = 0; i < nodes; i++) {
    const Node *node = gnode(table, i);
    if (isempty(gval(node))) continue;
    if (!keyisinteger(node) || (lua_Unsigned)keyival(node) - 1 >= UINT32_MAX) return 0;
    if (keyival(node) > largest) largest = (uint32_t)keyival(node);
    count++;
  }
  for (uint32_t i = 0; i < room; i++) {
    if (isempty(&table->array[i])) continue;
    if (i + 1 > largest) largest = i + 1;
    count++;
  }
  return largest == count ? count : 0;
}

static bool is_empty(const Table *table) {
  for (uint32_t i = luaH_realasize(table); i > 0; i--)
    if (!isempty(&table->array[i - 1])) return false;
  for (int i = allocsizenode(table); i > 0; i--)
    if (!isempty(gval(gnode(table, i - 1)))) return false;
  return true;
}

static bool encode_list(encoder *e, Table *table, uint32_t length, level *here, int depth) {
  uint32_t room = luaH_realasize(table);
  put_number(e->out, 0xdd, length, 4);
  for (uint32_t i = 1; i <= length; i++) {
    setivalue(&here->key, i);
    if (!encode(e, i <= room ? &table->array[i - 1] : luaH_getint(table, i), here, depth)) return false;
  }
  return true;
}

static bool encode_table(encoder *e, Table *table, const level *parent, int depth) {
  level here = {.parent = parent, .table = table};
  for (const level *above = parent; above != NULL; above = above->parent)
    if (above->table == table) return reject(e, parent, "a table that contains itself cannot cross the sandbox boundary");
  if (depth >= MAX_DEPTH) return reject(e, parent, "tables nested more than 128 deep cannot cross the sandbox boundary");
  uint32_t length = sequence_length(table);
  if (length > 0) return encode_list(e, table, length, &here, depth + 1);
  /* An empty table that never had a field is an empty list; one that had, or that the host sent, is an empty map. */
  if (!isdummy(table) || !is_empty(table)) return encode_map(e, table, &here, depth + 1);
  put_byte(e->out, 0x90);
  return true;
}

/* A field of a table with few of them, or NULL. To make a string of the name would ask Lua for memory. */
static const TValue *field_named(const Table *table, const char *name) {
  for (int i = 0; i < sizenode(table); i++) {
    const Node *node = gnode(table, i);
    if (!isempty(gval(node)) && keyisshrstr(node) && strcmp(getstr(keystrval(node)), name) == 0) return gval(node);
  }
  return NULL;
}

static bool encode_error(encoder *e, const Table *state, const level *at, int depth) {
  static const char *const fields[] = {"kind", "message", "retryable", "details"};
  buffer body = {NULL, 0, 0}, *out = e->out;
  level here = {.parent = at, .table = state};
  uint8_t count = 0;
  put_byte(&body, 0x80);
  e->out = &body;
  bool fine = true;
  for (size_t i = 0; fine && i < sizeof fields / sizeof *fields; i++) {
    const TValue *value = field_named(state, fields[i]);
    if (value == NULL) continue;
    put_string(&body, fields[i], strlen(fields[i]));
    here.name = fields[i];
    fine = encode(e, value, &here, depth + 1);
    count++;
  }
  e->out = out;
  if (fine) {
    body.data[0] |= count;
    put_number(out, 0xc9, body.length, 4);
    put_byte(out, ERROR_EXTENSION);
    memcpy(make_room(out, body.length), body.data, body.length);
    out->length += body.length;
  }
  free(body.data);
  return fine;
}

static bool encode_userdata(encoder *e, const TValue *value, const level *at, int depth) {
  if (depth >= MAX_DEPTH) return reject(e, at, "tables nested more than 128 deep cannot cross the sandbox boundary");
  const Table *state = object_state(e->L, value, &ERROR_CLASS);
  if (state != NULL) return encode_error(e, state, at, depth);
  const Table *metatable = uvalue(value)->metatable;
  const TValue *name = metatable == NULL ? NULL : field_named(metatable, "__name");
  return reject_kind(e, at, name != NULL && ttisstring(name) ? getstr(tsvalue(name)) : "userdata");
}

static bool encode(encoder *e, const TValue *value, const level *at, int depth) {
  switch (ttypetag(value)) {
    case LUA_VFALSE: put_byte(e->out, 0xc2); return true;
    case LUA_VTRUE: put_byte(e->out, 0xc3); return true;
    case LUA_VNUMINT: put_integer(e->out, ivalue(value)); return true;
    case LUA_VNUMFLT: put_float(e->out, fltvalue(value)); return true;
    case LUA_VSHRSTR:
    case LUA_VLNGSTR: put_string(e->out, getstr(tsvalue(value)), tsslen(tsvalue(value))); return true;
    case LUA_VTABLE: return encode_table(e, hvalue(value), at, depth);
    case LUA_VUSERDATA: return encode_userdata(e, value, at, depth);
    case LUA_VLCL:
    case LUA_VLCF:
    case LUA_VCCL: return reject_kind(e, at, "function");
    case LUA_VTHREAD: return reject_kind(e, at, "coroutine");
    default: put_byte(e->out, 0xc0); return true;
  }
}

static const TValue *value_at(lua_State *L, int index) {
  StkId at = L->ci->func.p + lua_absindex(L, index);
  return at < L->top.p ? s2v(at) : &G(L)->nilvalue;
}

bool encode_value(lua_State *L, int index, buffer *out, const char *root) {
  encoder e = {L, out, root, 0};
  return encode(&e, value_at(L, index), NULL, 0);
}

bool encode_arguments(lua_State *L, int first, buffer *out, const char *root) {
  int last = lua_gettop(L), count = last >= first ? last - first + 1 : 0;
  put_number(out, 0xdd, (uint32_t)count, 4);
  for (int i = 0; i < count; i++) {
    encoder e = {L, out, root, i + 1};
    if (!encode(&e, value_at(L, first + i), NULL, 0)) return false;
  }
  return true;
}

/* --- decoding --------------------------------------------------------------------------------------------------------- */

typedef struct {
  lua_State *L;
  const uint8_t *at, *end;
} decoder;

/* The host writes well-formed values only; a claim beyond the end would be a defect there. */
static const uint8_t *take(decoder *d, size_t length) {
  if ((size_t)(d->end - d->at) < length) luaL_error(d->L, "a value from the host is cut short");
  const uint8_t *at = d->at;
  d->at += length;
  return at;
}

static uint64_t take_number(decoder *d, int width) {
  const uint8_t *at = take(d, (size_t)width);
  uint64_t number = 0;
  while (width-- > 0) number = number << 8 | *at++;
  return number;
}

static void decode(decoder *d, int depth);

static void decode_string(decoder *d, uint64_t length) {
  lua_pushlstring(d->L, (const char *)take(d, (size_t)length), (size_t)length);
}

static void decode_array(decoder *d, uint64_t count, int depth) {
  take(d, 0);
  lua_createtable(d->L, count <= (uint64_t)(d->end - d->at) ? (int)count : 0, 0);
  for (uint64_t i = 1; i <= count; i++) {
    decode(d, depth + 1);
    lua_rawseti(d->L, -2, (lua_Integer)i);
  }
}

static void decode_map(decoder *d, uint64_t count, int depth) {
  /* At least one node, so that an empty map stays one: see encode_table. */
  lua_createtable(d->L, 0, count > 0 && count <= (uint64_t)(d->end - d->at) ? (int)count : 1);
  for (uint64_t i = 0; i < count; i++) {
    decode(d, depth + 1);
    decode(d, depth + 1);
    if (lua_isnil(d->L, -2) || (lua_type(d->L, -2) == LUA_TNUMBER && lua_tonumber(d->L, -2) != lua_tonumber(d->L, -2)))
      lua_pop(d->L, 2); /* nil and NaN cannot be keys in Lua */
    else
      lua_rawset(d->L, -3);
  }
}

static void decode_extension(decoder *d, uint64_t length, int depth) {
  uint8_t type = *take(d, 1);
  const uint8_t *body = take(d, (size_t)length);
  if (type != ERROR_EXTENSION) {
    lua_pushnil(d->L);
    return;
  }
  decoder inner = {d->L, body, body + length};
  decode(&inner, depth + 1);
  object_wrap(d->L, &ERROR_CLASS);
}

static void decode(decoder *d, int depth) {
  lua_State *L = d->L;
  if (depth > 2 * MAX_DEPTH) luaL_error(L, "a value from the host is nested too deep");
  luaL_checkstack(L, 8, "value nested too deep");
  uint8_t type = *take(d, 1);
  if (type < 0x80 || type >= 0xe0) return lua_pushinteger(L, (int8_t)type);
  if (type < 0x90) return decode_map(d, type & 15, depth);
  if (type < 0xa0) return decode_array(d, type & 15, depth);
  if (type < 0xc0) return decode_string(d, type & 31);
  switch (type) {
    case 0xc2: lua_pushboolean(L, 0); break;
    case 0xc3: lua_pushboolean(L, 1); break;
    case 0xc4: case 0xd9: decode_string(d, take_number(d, 1)); break;
    case 0xc5: case 0xda: decode_string(d, take_number(d, 2)); break;
    case 0xc6: case 0xdb: decode_string(d, take_number(d, 4)); break;
    case 0xc7: decode_extension(d, take_number(d, 1), depth); break;
    case 0xc8: decode_extension(d, take_number(d, 2), depth); break;
    case 0xc9: decode_extension(d, take_number(d, 4), depth); break;
    case 0xca: {
      uint32_t bits = (uint32_t)take_number(d, 4);
      float number;
      memcpy(&number, &bits, sizeof number);
      lua_pushnumber(L, number);
      break;
    }
    case 0xcb: {
      uint64_t bits = take_number(d, 8);
      lua_Number number;
      memcpy(&number, &bits, sizeof number);
      lua_pushnumber(L, number);
      break;
    }
    case 0xcc: lua_pushinteger(L, (lua_Integer)take_number(d, 1)); break;
    case 0xcd: lua_pushinteger(L, (lua_Integer)take_number(d, 2)); break;
    case 0xce: lua_pushinteger(L, (lua_Integer)take_number(d, 4)); break;
    case 0xcf: lua_pushinteger(L, (lua_Integer)take_number(d, 8)); break;
    case 0xd0: lua_pushinteger(L, (int8_t)take_number(d, 1)); break;
    case 0xd1: lua_pushinteger(L, (int16_t)take_number(d, 2)); break;
    case 0xd2: lua_pushinteger(L, (int32_t)take_number(d, 4)); break;
    case 0xd3: lua_pushinteger(L, (lua_Integer)take_number(d, 8)); break;
    case 0xd4: decode_extension(d, 1, depth); break;
    case 0xd5: decode_extension(d, 2, depth); break;
    case 0xd6: decode_extension(d, 4, depth); break;
    case 0xd7: decode_extension(d, 8, depth); break;
    case 0xd8: decode_extension(d, 16, depth); break;
    case 0xdc: decode_array(d, take_number(d, 2), depth); break;
    case 0xdd: decode_array(d, take_number(d, 4), depth); break;
    case 0xde: decode_map(d, take_number(d, 2), depth); break;
    case 0xdf: decode_map(d, take_number(d, 4), depth); break;
    default: lua_pushnil(L); break;
  }
}

void decode_value(lua_State *L, const uint8_t *data, size_t length) {
  decoder d = {L, data, data + length};
  decode(&d, 0);
}

int decode_arguments(lua_State *L, const uint8_t *data, size_t length) {
  decoder d = {L, data, data + length};
  uint8_t type = *take(&d, 1);
  uint64_t count = type == 0xdd ? take_number(&d, 4) : type == 0xdc ? take_number(&d, 2) : type & 15;
  luaL_checkstack(L, (int)count + 8, "too many arguments");
  for (uint64_t i = 0; i < count; i++) decode(&d, 0);
  return (int)count;
}
