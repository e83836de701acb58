/* What the files of the guest share. Each .c file is one capability; prelude.lua ties them together. */
#ifndef PERILUNE_GUEST_H
#define PERILUNE_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lauxlib.h"
#include "lua.h"

/* Mirrors Value::MAX_DEPTH on the host. */
#define MAX_DEPTH 128

/* --- allocator.c: memory whose exhaustion ends the cell --------------------------------------------------------- */
void *guest_alloc(void *ud, void *ptr, size_t old_size, size_t new_size);
void begin_new_pages(void);
void wipe_freed(void);

/* --- heap.c: malloc and its family -------------------------------------------------------------------------------- */
void clear_free_blocks(void);
typedef struct {
  uint32_t start, length;
} stretch;
extern stretch *stretches;                           /* where `wipe` notes what it did not wipe */
extern size_t stretch_count, stretch_room;
void wipe(void *start, void *end);                   /* zeros, but for whole pages that can be noted */
void wipe_free_blocks(void);

/* --- object.c: typed userdata over a state table ----------------------------------------------------------------- */
extern const char ERROR_CLASS;                       /* registry key of the metatable of error objects */
struct TValue; /* lobject.h */
const struct Table *object_state(lua_State *L, const struct TValue *value, const void *class_key); /* NULL: another value */
void object_wrap(lua_State *L, const void *class_key);            /* state table on top becomes an object */
int open_objects(lua_State *L);

/* --- msgpack.c: Lua values as MessagePack ------------------------------------------------------------------------- */
typedef struct {
  uint8_t *data;
  size_t length, capacity;
} buffer;
extern buffer scratch;                               /* encoded parameters of the import being called */
uint8_t *make_room(buffer *out, size_t more);        /* where the next `more` bytes go; the length stays as it is */
bool encode_value(lua_State *L, int index, buffer *out, const char *root);   /* false: a message is on the stack */
bool encode_arguments(lua_State *L, int first, buffer *out, const char *root);
void decode_value(lua_State *L, const uint8_t *data, size_t length);         /* pushes one value */
int decode_arguments(lua_State *L, const uint8_t *data, size_t length);      /* pushes all; returns how many */

/* --- json_encode.c, json_decode.c: JSON text of the usual values ---------------------------------------------------- */
int json_encode(lua_State *L);                       /* (value) -> text, or nothing where the host is to be asked */
int json_decode(lua_State *L);                       /* (text) -> value, or nothing where the host is to be asked */
int open_json(lua_State *L);

/* --- coroutine.c: waiting for the host ---------------------------------------------------------------------------- */
int wait_for(lua_State *L, uint64_t ticket, lua_KFunction taken); /* suspends the task until the ticket completes */
void must_be_able_to_wait(lua_State *L, const char *what);
int open_coroutines(lua_State *L);

/* --- debugging.c: positions and stacks ----------------------------------------------------------------------------- */
int open_debugging(lua_State *L);

/* --- coverage.c: which lines run ----------------------------------------------------------------------------------- */
int open_coverage(lua_State *L);

/* --- timeless.c: what an image must not hold ------------------------------------------------------------------------ */
extern bool was_denied;                              /* set when the host refused something for want of permission */
extern bool asked_outside;                           /* set by imports whose answer may differ the next time */
void seed_random(uint64_t first, uint64_t second);
int open_randomness(lua_State *L);

/* --- lift.c: used by the generated imports ------------------------------------------------------------------------- */
lua_Integer integer_argument(lua_State *L, int index, lua_Integer least, lua_Integer most);
const char *text_argument(lua_State *L, int index, size_t *length);
int32_t name_argument(lua_State *L, int index, const char *const *names);
int refuse(lua_State *L, bool raise);                /* message on top becomes an Invalid error */
size_t list_in_scratch(size_t count);
bool is_utf8(const uint8_t *text, size_t length);
size_t utf8_sequence(const uint8_t *at, size_t left); /* bytes of the character that begins here, 0 if none does */
void push_bytes(lua_State *L, const uint8_t *at);    /* takes over a (pointer, length) pair from the host */
void push_value(lua_State *L, const uint8_t *at);
void push_failure(lua_State *L, const uint8_t *at);  /* a `failure` record becomes an error object */

/* Wasm reads from any address. */
typedef int32_t __attribute__((aligned(1))) any_i32;
typedef int64_t __attribute__((aligned(1))) any_i64;
static inline int32_t load_i32(const uint8_t *at) { return *(const any_i32 *)at; }
static inline int64_t load_i64(const uint8_t *at) { return *(const any_i64 *)at; }
static inline double load_f64(const uint8_t *at) { return *(const double *)at; }

/* --- generated from wit/ and from lua/ ------------------------------------------------------------------------------ */
int open_imports(lua_State *L);                      /* pushes {interface = {function = …}} */
typedef struct {
  const char *name, *text;
  size_t length;
} lua_file;
extern const lua_file lua_files[];                   /* ends with a null name */

#endif
