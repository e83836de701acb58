/* What the generated imports use to read Lua arguments and to push the host's results. */
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "words.h"

/* A stack: a finalizer that runs while parameters are being encoded may call another import. */
buffer scratch = {NULL, 0, 0};

uint8_t *make_room(buffer *out, size_t more) {
  if (out->capacity - out->length < more) {
    size_t capacity = out->capacity * 2 + more;
    uint8_t *data = realloc(out->data, capacity);
    if (data == NULL) __builtin_trap(); /* beyond the cell's memory limit, see allocator.c */
    out->data = data;
    out->capacity = capacity;
  }
  return out->data + out->length;
}

size_t utf8_sequence(const uint8_t *at, size_t left) {
  uint8_t lead = at[0];
  if (lead < 0x80) return 1;
  size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || left < size) return 0;
  uint8_t second = at[1];
  if ((second & 0xc0) != 0x80 || (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
      (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
    return 0;
  for (size_t k = 2; k < size; k++)
    if ((at[k] & 0xc0) != 0x80) return 0;
  return size;
}

bool is_utf8(const uint8_t *text, size_t length) {
  size_t i = 0;
  while (i < length) {
    if (length - i >= 8 && (load_word(text + i) & HIGH_BITS) == 0) {
      i += 8;
      continue;
    }
    size_t size = utf8_sequence(text + i, length - i);
    if (size == 0) return false;
    i += size;
  }
  return true;
}

lua_Integer integer_argument(lua_State *L, int index, lua_Integer least, lua_Integer most) {
  lua_Integer n = luaL_checkinteger(L, index);
  luaL_argcheck(L, n >= least && n <= most, index, "number out of range");
  return n;
}

const char *text_argument(lua_State *L, int index, size_t *length) {
  const char *text = luaL_checklstring(L, index, length);
  luaL_argcheck(L, is_utf8((const uint8_t *)text, *length), index, "text is not valid UTF-8");
  return text;
}

int32_t name_argument(lua_State *L, int index, const char *const *names) {
  return (int32_t)luaL_checkoption(L, index, NULL, names);
}

int refuse(lua_State *L, bool raise) {
  lua_createtable(L, 0, 3);
  lua_pushliteral(L, "Invalid");
  lua_setfield(L, -2, "kind");
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "message");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "retryable");
  object_wrap(L, &ERROR_CLASS);
  if (raise) return lua_error(L);
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

static void *host_block(const uint8_t *at) {
  return (void *)(uintptr_t)load_i32(at);
}

void push_bytes(lua_State *L, const uint8_t *at) {
  size_t length = (size_t)load_i32(at + 4);
  lua_pushlstring(L, length > 0 ? host_block(at) : "", length);
  if (length > 0) free(host_block(at));
}

void push_value(lua_State *L, const uint8_t *at) {
  decode_value(L, host_block(at), (size_t)load_i32(at + 4));
  free(host_block(at));
}

/* Layout of the record `failure` in wit/types.wit under the canonical ABI. */
enum { KIND = 0, MESSAGE = 8, RETRYABLE = 16, DETAILS = 20, STACK = 32 };

void push_failure(lua_State *L, const uint8_t *at) {
  lua_createtable(L, 0, 5);
  push_bytes(L, at + KIND);
  was_denied = was_denied || strcmp(lua_tostring(L, -1), "PermissionDenied") == 0;
  lua_setfield(L, -2, "kind");
  push_bytes(L, at + MESSAGE);
  lua_setfield(L, -2, "message");
  if (at[RETRYABLE]) {
    lua_pushboolean(L, at[RETRYABLE + 1]);
    lua_setfield(L, -2, "retryable");
  }
  if (at[DETAILS]) {
    push_value(L, at + DETAILS + 4);
    lua_setfield(L, -2, "details");
  }
  if (at[STACK]) {
    push_bytes(L, at + STACK + 4);
    lua_setfield(L, -2, "stack");
  }
  object_wrap(L, &ERROR_CLASS);
}

/* Room for `count` (pointer, length) pairs, aligned as the canonical ABI asks. */
size_t list_in_scratch(size_t count) {
  size_t start = (scratch.length + 3) & ~(size_t)3, end = start + count * 8;
  make_room(&scratch, end - scratch.length);
  scratch.length = end;
  return start;
}
