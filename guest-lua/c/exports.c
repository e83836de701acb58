/* What the guest offers to the host (wit/guest.wit): each export turns its parameters into Lua values and calls the
   function of the same name in lua/prelude.lua. */
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "lauxlib.h"
#include "lgc.h"
#include "lstate.h"
#include "lua_cell.h"
#include "lualib.h"

typedef exports_perilune_cell_guest_failure_t failure;
typedef exports_perilune_cell_guest_status_t status;

static lua_State *L;

/* The functions that lua/prelude.lua returned: each is in the registry under the address of its name. */
static const char *const functions[] = {"check", "compile", "load", "start", "complete", "message", "run"};
enum function { CHECK, COMPILE, LOAD, START, COMPLETE, MESSAGE, RUN, FUNCTIONS };

/* --- failures ----------------------------------------------------------------------------------------------------------- */

static char *copy(int index, size_t *length) {
  const char *text = lua_tolstring(L, index, length);
  if (text == NULL || *length == 0) {
    *length = 0;
    return NULL;
  }
  char *block = malloc(*length);
  if (block == NULL) __builtin_trap();
  memcpy(block, text, *length);
  return block;
}

static void copy_text(int index, lua_cell_string_t *out) {
  size_t length;
  char *block = copy(index, &length);
  /* A message may hold any bytes, a WIT string may not. */
  if (!is_utf8((uint8_t *)block, length))
    for (size_t i = 0; i < length; i++)
      if ((uint8_t)block[i] >= 0x80) block[i] = '?';
  out->ptr = (uint8_t *)block;
  out->len = length;
}

/* Details that cannot cross make the failure an invalid one, which says where they are wrong and what had happened. */
static void read_details(int first, failure *out) {
  buffer body = {NULL, 0, 0};
  if (encode_value(L, first + 3, &body, "details")) {
    out->details.is_some = true;
    out->details.val.ptr = body.data;
    out->details.val.len = body.length;
    return;
  }
  free(body.data);
  lua_pushfstring(L, "%s; the error was: %s", lua_tostring(L, -1), lua_tostring(L, first + 1));
  lua_replace(L, first + 1);
  lua_pushliteral(L, "Invalid");
  lua_replace(L, first);
  lua_pushboolean(L, 0);
  lua_replace(L, first + 2);
}

/* Reads kind, message, retryable, details and stack from five stack slots. */
static void read_failure(int first, failure *out) {
  memset(out, 0, sizeof *out);
  if (lua_istable(L, first + 3)) read_details(first, out);
  copy_text(first, &out->kind);
  copy_text(first + 1, &out->message);
  out->retryable.is_some = !lua_isnoneornil(L, first + 2);
  out->retryable.val = lua_toboolean(L, first + 2);
  out->stack.is_some = lua_isstring(L, first + 4);
  if (out->stack.is_some) copy_text(first + 4, &out->stack.val);
}

/* An error that the prelude itself did not catch. */
static void read_defect(failure *out) {
  int first = lua_gettop(L);
  lua_pushliteral(L, "Internal");
  if (lua_type(L, first) == LUA_TSTRING)
    lua_pushvalue(L, first);
  else
    lua_pushliteral(L, "the prelude failed");
  lua_settop(L, first + 5);
  read_failure(first + 1, out);
}

/* --- calling the prelude -------------------------------------------------------------------------------------------------- */

static void push_function(enum function function) {
  lua_settop(L, 0);
  scratch.length = 0;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &functions[function]);
}

/* Turns `true`, or `false` and a failure's fields, at index 1 into a result. */
static bool fine(int call_status, failure *out) {
  if (call_status != LUA_OK) {
    read_defect(out);
    return false;
  }
  if (lua_toboolean(L, 1)) return true;
  read_failure(2, out);
  return false;
}

/* Turns what scheduler.run returned into a status. */
static void read_status(int call_status, status *out) {
  memset(out, 0, sizeof *out);
  if (call_status == LUA_OK && lua_isnoneornil(L, 1)) {
    out->tag = EXPORTS_PERILUNE_CELL_GUEST_STATUS_WAITING;
    out->val.waiting.messages = (uint32_t)lua_tointeger(L, 2);
    out->val.waiting.bytes = (uint32_t)lua_tointeger(L, 3);
    return;
  }
  out->tag = EXPORTS_PERILUNE_CELL_GUEST_STATUS_DONE;
  failure *err = &out->val.done.val.err;
  out->val.done.is_err = !fine(call_status, err);
  if (out->val.done.is_err) return;
  buffer body = {NULL, 0, 0};
  if (encode_value(L, 2, &body, "the result")) {
    out->val.done.val.ok.ptr = body.data;
    out->val.done.val.ok.len = body.length;
    return;
  }
  free(body.data);
  int first = lua_gettop(L);
  lua_pushliteral(L, "Invalid");
  lua_pushvalue(L, first);
  lua_pushboolean(L, 0);
  lua_settop(L, first + 5);
  out->val.done.is_err = true;
  read_failure(first + 1, err);
}

/* Runs `body` with `argument`, so that an error while its parameters are pushed is caught too. */
static int protected(lua_CFunction body, void *argument) {
  lua_settop(L, 0);
  lua_pushcfunction(L, body);
  lua_pushlightuserdata(L, argument);
  return lua_pcall(L, 1, LUA_MULTRET, 0);
}

/* --- exports -------------------------------------------------------------------------------------------------------------- */

bool exports_perilune_cell_guest_check(lua_cell_string_t *id, lua_cell_list_u8_t *source, failure *err) {
  push_function(CHECK);
  lua_pushlstring(L, (const char *)id->ptr, id->len);
  lua_pushlightuserdata(L, source);
  int called = lua_pcall(L, 2, LUA_MULTRET, 0);
  lua_cell_string_free(id);
  lua_cell_list_u8_free(source);
  return fine(called, err);
}

bool exports_perilune_cell_guest_compile(lua_cell_string_t *id, lua_cell_list_u8_t *source, lua_cell_list_u8_t *bytecode,
                                         failure *err) {
  push_function(COMPILE);
  lua_pushlstring(L, (const char *)id->ptr, id->len);
  lua_pushlightuserdata(L, source);
  int called = lua_pcall(L, 2, LUA_MULTRET, 0);
  lua_cell_string_free(id);
  lua_cell_list_u8_free(source);
  if (!fine(called, err)) return false;
  bytecode->ptr = (uint8_t *)copy(2, &bytecode->len);
  return true;
}

static void push_texts(const lua_cell_list_string_t *texts) {
  lua_createtable(L, (int)texts->len, 0);
  for (size_t i = 0; i < texts->len; i++) {
    lua_pushlstring(L, (const char *)texts->ptr[i].ptr, texts->ptr[i].len);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_chunk(const exports_perilune_cell_guest_chunk_t *chunk) {
  lua_createtable(L, 0, 6);
  lua_pushlstring(L, (const char *)chunk->id.ptr, chunk->id.len);
  lua_setfield(L, -2, "id");
  /* Not as a string, which would stay in the image as garbage. */
  lua_pushlightuserdata(L, (void *)&chunk->source);
  lua_setfield(L, -2, "source");
  lua_pushboolean(L, chunk->form == EXPORTS_PERILUNE_CELL_GUEST_FORM_BYTECODE);
  lua_setfield(L, -2, "is_bytecode");
  push_texts(&chunk->modules);
  lua_setfield(L, -2, "modules");
  lua_createtable(L, (int)chunk->imports.len, 0);
  for (size_t i = 0; i < chunk->imports.len; i++) {
    const exports_perilune_cell_guest_import_alias_t *import = &chunk->imports.ptr[i];
    lua_createtable(L, 0, 2);
    lua_pushlstring(L, (const char *)import->alias.ptr, import->alias.len);
    lua_setfield(L, -2, "alias");
    lua_pushlstring(L, (const char *)import->id.ptr, import->id.len);
    lua_setfield(L, -2, "id");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "imports");
  if (chunk->surface.is_some) {
    push_texts(&chunk->surface.val);
    lua_setfield(L, -2, "surface");
  }
}

bool exports_perilune_cell_guest_load(exports_perilune_cell_guest_list_chunk_t *chunks,
                                      exports_perilune_cell_guest_seed_t *seed, uint32_t *timeless, failure *err) {
  seed_random(seed->f0, seed->f1);
  push_function(LOAD);
  lua_createtable(L, (int)chunks->len, 0);
  for (size_t i = 0; i < chunks->len; i++) {
    push_chunk(&chunks->ptr[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  int called = lua_pcall(L, 1, LUA_MULTRET, 0);
  exports_perilune_cell_guest_list_chunk_free(chunks);
  if (!fine(called, err)) return false;
  *timeless = (uint32_t)lua_tointeger(L, 2);
  return true;
}

typedef struct {
  lua_cell_string_t *method;
  lua_cell_list_u8_t *arguments;
} start_call;

static int run_start(lua_State *state) {
  start_call *call = lua_touserdata(state, 1);
  push_function(START);
  lua_pushlstring(state, (const char *)call->method->ptr, call->method->len);
  int count = decode_arguments(state, call->arguments->ptr, call->arguments->len);
  lua_cell_string_free(call->method);
  lua_cell_list_u8_free(call->arguments);
  lua_call(state, count + 1, LUA_MULTRET);
  return lua_gettop(state);
}

void exports_perilune_cell_guest_start(lua_cell_string_t *method, lua_cell_list_u8_t *arguments,
                                       exports_perilune_cell_guest_seed_t *seed, status *out) {
  seed_random(seed->f0, seed->f1);
  start_call call = {method, arguments};
  read_status(protected(run_start, &call), out);
}

typedef struct {
  const uint8_t *topic, *sender, *payloads;
  size_t topic_length, sender_length, payloads_length;
} message;

/* The bytes that a message counts; nil for what the host itself says, which counts nothing. */
static void push_size(const message *m) {
  if (m->topic_length > 0 && m->topic[0] == '@')
    lua_pushnil(L);
  else
    lua_pushinteger(L, (lua_Integer)(m->topic_length + m->sender_length + m->payloads_length));
}

/* The number of a message's values, and the value, or all of several in a table. */
static void push_payload(const message *m) {
  int first = lua_gettop(L) + 1, count = decode_arguments(L, m->payloads, m->payloads_length);
  if (count == 0) lua_pushnil(L);
  if (count > 1) {
    lua_createtable(L, count, 0);
    lua_insert(L, first);
    for (int i = count; i > 0; i--) lua_rawseti(L, first, i);
  }
  lua_pushinteger(L, count);
  lua_insert(L, first);
}

static void deliver_message(const message *m) {
  push_function(MESSAGE);
  lua_pushlstring(L, (const char *)m->topic, m->topic_length);
  lua_pushlstring(L, (const char *)m->sender, m->sender_length);
  push_size(m);
  push_payload(m);
  lua_call(L, 5, 0);
}

static void deliver_completion(lua_Integer ticket) {
  push_function(COMPLETE);
  lua_pushinteger(L, ticket);
  lua_call(L, 1, 0);
}

/* The event at `at`; returns where the next one is. The host writes whole events only. */
static const uint8_t *deliver(const uint8_t *at) {
  if (*at++ == 0) {
    deliver_completion((lua_Integer)load_i64(at));
    return at + 8;
  }
  message m;
  m.topic_length = (size_t)load_i32(at);
  m.sender_length = (size_t)load_i32(at + 4);
  m.payloads_length = (size_t)load_i32(at + 8);
  m.topic = at + 12;
  m.sender = m.topic + m.topic_length;
  m.payloads = m.sender + m.sender_length;
  deliver_message(&m);
  return m.payloads + m.payloads_length;
}

static int run_turn(lua_State *state) {
  const lua_cell_list_u8_t *events = lua_touserdata(state, 1);
  const uint8_t *at = events->ptr, *end = at + events->len;
  while (at < end) at = deliver(at);
  push_function(RUN);
  lua_call(state, 0, LUA_MULTRET);
  return lua_gettop(state);
}

void exports_perilune_cell_guest_turn(lua_cell_list_u8_t *events, status *out) {
  int called = protected(run_turn, events);
  lua_cell_list_u8_free(events);
  read_status(called, out);
}

/* --- images --------------------------------------------------------------------------------------------------------------- */

/* The linker's name for the first byte above the stack. */
extern uint8_t __global_base;

void exports_perilune_cell_guest_memory(lua_cell_tuple2_u32_list_u8_t *out) {
  out->f0 = (uint32_t)&__global_base;
  out->f1.ptr = NULL;
  out->f1.len = __builtin_wasm_memory_size(0) << 16;
}

/* Lua's memory when it was last settled or collected for a long wait, and the colour of live objects when it was settled. */
static lu_mem settled_bytes;
static lu_byte settled_white;

/* A call begins with a full stretch of allocation before its first collection, which would write to every object. */
void exports_perilune_cell_guest_settle(void) {
  global_State *global = G(L);
  lua_settop(L, 0);
  if (global->gcstate != GCSpause) lua_gc(L, LUA_GCCOLLECT);
  settled_bytes = gettotalbytes(global);
  settled_white = global->currentwhite;
  luaE_setdebt(global, -(l_mem)settled_bytes);
  begin_new_pages();
  clear_free_blocks();
}

/* Garbage below it costs less to keep than to find: a collection visits all that loading left. */
enum { TOLERATED_GARBAGE = 32 << 10 };

/* Each collection turns live objects to the other of two colours; those of the image must have the image's again, or all of
   them would differ. As an emergency it calls no finaliser, whose code may do anything. */
static void collect(global_State *global) {
  bool is_between = global->gcstate == GCSpause && global->currentwhite == settled_white;
  if (is_between && gettotalbytes(global) <= settled_bytes + TOLERATED_GARBAGE) return;
  luaC_fullgc(L, 1);
  if (global->currentwhite != settled_white) luaC_fullgc(L, 1);
  settled_bytes = gettotalbytes(global);
  luaE_setdebt(global, -(l_mem)settled_bytes);
}

void exports_perilune_cell_guest_compact(exports_perilune_cell_guest_list_stretch_t *out) {
  enum { MOST = 256 };
  lua_settop(L, 0);
  collect(G(L));
  stretches = malloc(MOST * sizeof *stretches);
  stretch_count = 0;
  stretch_room = stretches == NULL ? 0 : MOST;
  wipe_freed();
  wipe_free_blocks();
  if (stretch_count == 0) free(stretches);
  out->ptr = (exports_perilune_cell_guest_stretch_t *)stretches;
  out->len = stretch_count;
}

void exports_perilune_cell_guest_reserve(uint32_t bytes) {
  size_t size = __builtin_wasm_memory_size(0) << 16;
  if (bytes > size && __builtin_wasm_memory_grow(0, (bytes - size + 0xffff) >> 16) == (size_t)-1) __builtin_trap();
}

/* --- pre-initialisation ------------------------------------------------------------------------------------------------------ */

/* file(name) -> the chunk of a file below lua/, or nil */
static int l_file(lua_State *state) {
  const char *name = luaL_checkstring(state, 1);
  for (const lua_file *file = lua_files; file->name != NULL; file++) {
    if (strcmp(file->name, name) != 0) continue;
    lua_pushfstring(state, "=<%s>", name);
    if (luaL_loadbufferx(state, file->text, file->length, lua_tostring(state, -1), "t") != LUA_OK) return lua_error(state);
    return 1;
  }
  return 0;
}

static int load_prelude(lua_State *state) {
  static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},          {LUA_TABLIBNAME, luaopen_table},
                                       {LUA_STRLIBNAME, luaopen_string},   {LUA_MATHLIBNAME, luaopen_math},
                                       {LUA_COLIBNAME, luaopen_coroutine}, {NULL, NULL}};
  for (const luaL_Reg *library = libraries; library->func; library++) {
    luaL_requiref(state, library->name, library->func, 1);
    lua_pop(state, 1);
  }
  lua_pushstring(state, "prelude");
  lua_pushcfunction(state, l_file);
  lua_pushvalue(state, -2);
  lua_call(state, 1, 1);
  lua_newtable(state); /* native */
  open_objects(state);
  open_coroutines(state);
  open_debugging(state);
  open_coverage(state);
  open_randomness(state);
  open_json(state);
  open_imports(state);
  lua_pushcfunction(state, l_file);
  lua_call(state, 3, 1);
  for (int i = 0; i < FUNCTIONS; i++) {
    lua_getfield(state, -1, functions[i]);
    lua_rawsetp(state, LUA_REGISTRYINDEX, &functions[i]);
  }
  return 0;
}

/* Room for nested calls of the main thread, which every call of an entry writes to. What the prelude's first nesting left has a page
   for each. */
static void lay_calls_together(void) {
  enum { DEPTH = 8 };
  for (int i = 0; i < DEPTH; i++) luaE_extendCI(L, 1);
}

/* Runs once, when the guest is built; the memory it leaves is where every cell begins. */
void exports_lua_cell_init(void) {
  L = lua_newstate(guest_alloc, NULL);
  if (L == NULL) __builtin_trap();
  if (protected(load_prelude, NULL) != LUA_OK) {
    size_t length;
    const char *message = luaL_tolstring(L, -1, &length);
    lua_cell_list_u8_t text = {(uint8_t *)message, length};
    lua_cell_string_t location = {(uint8_t *)"", 0};
    perilune_cell_log_print(&text, &location); /* the build script ends here */
    __builtin_trap();
  }
  lua_settop(L, 0);
  lua_gc(L, LUA_GCCOLLECT);
  begin_new_pages();
  lay_calls_together();
  clear_free_blocks();
}
