/* Lua values as MessagePack, the form in which they cross to the host (wit/types.wit). */
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "ltable.h"

enum { ERROR_EXTENSION = 1 };

/* --- writing -------------------------------------------------------------------------------------------------------- */

static uint8_t *reserve(buffer *out, size_t more) {
  if (out->capacity - out->length < more) {
    size_t capacity = out->capacity * 2 + more;
    uint8_t *data = realloc(out->data, capacity);
    if (data == NULL) __builtin_trap(); /* beyond the cell's memory limit, see allocator.c */
    out->data = data;
    out->capacity = capacity;
  }
  return out->data + out->length;
}

static void put_byte(buffer *out, uint8_t byte) {
  *reserve(out, 1) = byte;
  out->length++;
}

/* A type byte followed by a big-endian number of `width` bytes. */
static void put_number(buffer *out, uint8_t type, uint64_t number, int width) {
  uint8_t *at = reserve(out, 9);
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
  memcpy(reserve(out, length), text, length);
  out->length += length;
}

/* --- encoding --------------------------------------------------------------------------------------------------------- */

/* Where the walk stands, for the path in messages and for finding cycles. */
typedef struct level {
  const struct level *parent;
  const void *table;
  int key; /* stack index of the key under which the walk goes on */
} level;

typedef struct {
  lua_State *L;
  buffer *out;
  const char *root;
  int number; /* of the argument, or 0 */
} encoder;

static void add_path(lua_State *L, luaL_Buffer *text, const level *at) {
  if (at == NULL) return;
  add_path(L, text, at->parent);
  lua_pushvalue(L, at->key);
  switch (lua_type(L, -1)) {
    case LUA_TSTRING: lua_pushfstring(L, ".%s", lua_tostring(L, -1)); break;
    case LUA_TNUMBER: lua_pushfstring(L, "[%s]", lua_tostring(L, -1)); break;
    default: lua_pushfstring(L, "[%s]", luaL_typename(L, -1)); break;
  }
  lua_remove(L, -2);
  luaL_addvalue(text);
}

/* Leaves a message such as "argument 1.user.callback: a function cannot cross the sandbox boundary". */
static bool reject(encoder *e, const level *at, const char *what) {
  luaL_Buffer text;
  luaL_buffinit(e->L, &text);
  luaL_addstring(&text, e->root);
  if (e->number > 0) {
    lua_pushfstring(e->L, " %d", e->number);
    luaL_addvalue(&text);
  }
  add_path(e->L, &text, at);
  luaL_addstring(&text, ": ");
  luaL_addstring(&text, what);
  luaL_pushresult(&text);
  return false;
}

static bool encode(encoder *e, int index, const level *at, int depth);

static bool encode_map(encoder *e, int index, level *here, int depth) {
  size_t start = e->out->length;
  uint32_t count = 0;
  put_number(e->out, 0xdf, 0, 4);
  lua_pushnil(e->L);
  while (lua_next(e->L, index)) {
    here->key = lua_gettop(e->L) - 1;
    if (lua_type(e->L, here->key) == LUA_TUSERDATA || lua_type(e->L, here->key) > LUA_TSTRING)
      return reject(e, here, "only strings, numbers and booleans can be keys outside the sandbox");
    if (!encode(e, here->key, here, depth)) return false;
    if (!encode(e, here->key + 1, here, depth)) return false;
    lua_settop(e->L, here->key);
    count++;
  }
  uint8_t *header = e->out->data + start;
  for (int i = 0; i < 4; i++) header[1 + i] = (uint8_t)(count >> (24 - 8 * i));
  return true;
}

/* The n of a table whose keys are exactly 1..n, else 0. */
static lua_Unsigned sequence_length(lua_State *L, int index) {
  lua_Unsigned length = lua_rawlen(L, index), count = 0;
  if (length == 0) return 0;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    if (!lua_isinteger(L, -1) || (lua_Unsigned)lua_tointeger(L, -1) - 1 >= length) {
      lua_pop(L, 1);
      return 0;
    }
    count++;
  }
  return count == length ? length : 0;
}

static bool encode_table(encoder *e, int index, const level *parent, int depth) {
  lua_State *L = e->L;
  level here = {parent, lua_topointer(L, index), 0};
  for (const level *above = parent; above != NULL; above = above->parent)
    if (above->table == here.table) return reject(e, parent, "a table that contains itself cannot cross the sandbox boundary");
  if (depth >= MAX_DEPTH) return reject(e, parent, "tables nested more than 128 deep cannot cross the sandbox boundary");
  luaL_checkstack(L, 8, "tables nested too deep");
  lua_Unsigned length = sequence_length(L, index);
  if (length == 0) {
    /* An empty table that never had a field is an empty list; one that had, or that the host sent, is an empty map. */
    lua_pushnil(L);
    if (lua_next(L, index)) {
      lua_pop(L, 2);
    } else if (isdummy((const Table *)here.table)) {
      put_byte(e->out, 0x90);
      return true;
    }
    return encode_map(e, index, &here, depth + 1);
  }
  put_number(e->out, 0xdd, length, 4);
  lua_pushinteger(L, 0);
  here.key = lua_gettop(L);
  for (lua_Unsigned i = 1; i <= length; i++) {
    lua_pushinteger(L, (lua_Integer)i);
    lua_replace(L, here.key);
    lua_rawgeti(L, index, (lua_Integer)i);
    if (!encode(e, here.key + 1, &here, depth + 1)) return false;
    lua_settop(L, here.key);
  }
  return true;
}

static bool encode_error(encoder *e, const level *at, int depth) {
  static const char *const fields[] = {"kind", "message", "retryable", "details"};
  lua_State *L = e->L;
  int state = lua_gettop(L);
  buffer body = {NULL, 0, 0}, *out = e->out;
  level here = {at, lua_topointer(L, state), state + 1};
  uint8_t count = 0;
  put_byte(&body, 0x80);
  e->out = &body;
  bool fine = true;
  for (size_t i = 0; fine && i < sizeof fields / sizeof *fields; i++) {
    lua_pushstring(L, fields[i]);
    lua_getfield(L, state, fields[i]);
    if (!lua_isnil(L, -1)) {
      put_string(&body, fields[i], strlen(fields[i]));
      fine = encode(e, state + 2, &here, depth + 1);
      count++;
    }
    if (fine) lua_settop(L, state);
  }
  e->out = out;
  if (fine) {
    body.data[0] |= count;
    put_number(out, 0xc9, body.length, 4);
    put_byte(out, ERROR_EXTENSION);
    memcpy(reserve(out, body.length), body.data, body.length);
    out->length += body.length;
  }
  free(body.data);
  return fine;
}

static bool encode(encoder *e, int index, const level *at, int depth) {
  lua_State *L = e->L;
  switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL: put_byte(e->out, 0xc0); return true;
    case LUA_TBOOLEAN: put_byte(e->out, lua_toboolean(L, index) ? 0xc3 : 0xc2); return true;
    case LUA_TNUMBER:
      if (lua_isinteger(L, index))
        put_integer(e->out, lua_tointeger(L, index));
      else
        put_float(e->out, lua_tonumber(L, index));
      return true;
    case LUA_TSTRING: {
      size_t length;
      const char *text = lua_tolstring(L, index, &length);
      put_string(e->out, text, length);
      return true;
    }
    case LUA_TTABLE: {
      int top = lua_gettop(L);
      if (!encode_table(e, lua_absindex(L, index), at, depth)) return false;
      lua_settop(L, top);
      return true;
    }
    case LUA_TUSERDATA: {
      luaL_checkstack(L, 8, "tables nested too deep");
      if (depth >= MAX_DEPTH) return reject(e, at, "tables nested more than 128 deep cannot cross the sandbox boundary");
      if (object_state(L, index, &ERROR_CLASS)) {
        if (!encode_error(e, at, depth)) return false;
        lua_pop(L, 1);
        return true;
      }
      const char *name = luaL_getmetafield(L, index, "__name") == LUA_TSTRING ? lua_tostring(L, -1) : "userdata";
      lua_pushfstring(L, "a %s cannot cross the sandbox boundary", name);
      return reject(e, at, lua_tostring(L, -1));
    }
    case LUA_TFUNCTION: return reject(e, at, "a function cannot cross the sandbox boundary");
    default: return reject(e, at, "a coroutine cannot cross the sandbox boundary");
  }
}

bool encode_value(lua_State *L, int index, buffer *out, const char *root) {
  encoder e = {L, out, root, 0};
  return encode(&e, lua_absindex(L, index), NULL, 0);
}

bool encode_arguments(lua_State *L, int first, buffer *out, const char *root) {
  int last = lua_gettop(L), count = last >= first ? last - first + 1 : 0;
  put_number(out, 0xdd, (uint32_t)count, 4);
  for (int i = 0; i < count; i++) {
    encoder e = {L, out, root, i + 1};
    if (!encode(&e, first + i, NULL, 0)) return false;
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
