/* Which lines of scripts run, for hosts that ask (wit/coverage.wit).

   In a chunk that is watched, OP_REACHED stands in for each instruction, with the operands of the other: those who look at the
   instruction that follows theirs find what they need. The first to get there tells the host the line and puts the instruction
   back, so it takes a detour once. Coroutines need nothing of their own, and code that nobody watches runs as ever. What is kept
   here is part of a cell's memory: a cell that begins with an image reports what the image's loading did not. */
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "ldebug.h"
#include "lobject.h"
#include "lopcodes.h"
#include "lua_cell.h"

/* A chunk. */
typedef struct {
  uint32_t number;       /* the host's */
  uint8_t *lines;        /* by line: IDLE, CAN_RUN or HAS_RUN */
  size_t room;
} watched_chunk;

/* One of its functions. */
typedef struct {
  const Proto *proto;
  uint8_t *opcodes;      /* what OP_REACHED stands in for */
  watched_chunk *chunk;
} watched_function;

enum { IDLE, CAN_RUN, HAS_RUN };

static watched_function *functions, *latest;
static size_t function_count, function_room;

static void *must(void *block) {
  if (block == NULL) __builtin_trap();
  return block;
}

/* --- which instructions can run -------------------------------------------------------------------------------------------- */

/* Follows all branches from the first instruction on. What no branch leads to, such as the `end` after a `return`, cannot run. */
static void follow(const Proto *p, uint8_t *can_run) {
  unsigned *branches = must(malloc(((size_t)p->sizecode + 1) * sizeof *branches)), size = (unsigned)p->sizecode;
  size_t count = 0;
  branches[count++] = 0;
  while (count > 0) {
    unsigned pc = branches[--count];
    while (pc < size && !can_run[pc]) {
      can_run[pc] = 1;
      Instruction i = p->code[pc++];
      switch (GET_OPCODE(i)) {
        case OP_JMP: pc += (unsigned)GETARG_sJ(i); break;
        case OP_TFORPREP: pc += (unsigned)GETARG_Bx(i); break;
        case OP_LFALSESKIP: pc++; break;
        case OP_FORPREP: branches[count++] = pc + (unsigned)GETARG_Bx(i) + 1; break;
        case OP_FORLOOP: case OP_TFORLOOP: branches[count++] = pc - (unsigned)GETARG_Bx(i); break;
        case OP_EQ: case OP_LT: case OP_LE: case OP_EQK: case OP_EQI: case OP_LTI: case OP_LEI: case OP_GTI: case OP_GEI:
        case OP_TEST: case OP_TESTSET: branches[count++] = pc + 1; break;
        case OP_RETURN: case OP_RETURN0: case OP_RETURN1: pc = size; break;
        default: break;
      }
    }
  }
  free(branches);
}

static void mark_line(watched_chunk *chunk, int line) {
  size_t at = (size_t)line;
  if (at >= chunk->room) {
    size_t room = (at + 1) * 2;
    chunk->lines = must(realloc(chunk->lines, room));
    memset(chunk->lines + chunk->room, IDLE, room - chunk->room);
    chunk->room = room;
  }
  chunk->lines[at] = CAN_RUN;
}

/* --- watching --------------------------------------------------------------------------------------------------------------- */

static void watch_function(Proto *p, watched_chunk *chunk) {
  if (function_count == function_room) {
    function_room = function_room == 0 ? 64 : function_room * 2;
    functions = must(realloc(functions, function_room * sizeof *functions));
    latest = NULL;
  }
  uint8_t *opcodes = must(calloc((size_t)p->sizecode, 1));
  follow(p, opcodes);
  /* Every function begins with what takes its variable arguments, if it has any, and ends with a return that nobody wrote. */
  int first = p->is_vararg ? 1 : 0, last = p->sizecode - 1;
  for (int pc = 0; pc < p->sizecode; pc++) {
    int line = opcodes[pc] && pc >= first && pc < last ? luaG_getfuncline(p, pc) : -1;
    opcodes[pc] = (uint8_t)GET_OPCODE(p->code[pc]);
    if (line < 0) continue;
    mark_line(chunk, line);
    SET_OPCODE(p->code[pc], OP_REACHED);
  }
  functions[function_count++] = (watched_function){p, opcodes, chunk};
  for (int k = 0; k < p->sizep; k++) watch_function(p->p[k], chunk);
}

/* watch(function, entry): the function of a chunk that has just been compiled. It is never collected, or another one might get
   its address. */
static int l_watch(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_cell_string_t entry;
  entry.ptr = (uint8_t *)(uintptr_t)luaL_checklstring(L, 2, &entry.len);
  watched_chunk *chunk = must(calloc(1, sizeof *chunk));
  watch_function(((LClosure *)(uintptr_t)lua_topointer(L, 1))->p, chunk);
  lua_cell_list_u8_t lines = {chunk->lines, chunk->room};
  chunk->number = perilune_cell_coverage_watch(&entry, &lines);
  lua_settop(L, 1);
  luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

/* --- running ---------------------------------------------------------------------------------------------------------------- */

static const watched_function *find(const Proto *p) {
  if (latest != NULL && latest->proto == p) return latest;
  for (size_t k = 0; k < function_count; k++)
    if (functions[k].proto == p) return latest = &functions[k];
  return NULL;
}

static void report(const watched_function *function, int pc) {
  int line = luaG_getfuncline(function->proto, pc);
  const watched_chunk *chunk = function->chunk;
  if (line < 0 || (size_t)line >= chunk->room || chunk->lines[line] != CAN_RUN) return;
  chunk->lines[line] = HAS_RUN;
  perilune_cell_coverage_reached(chunk->number, (uint32_t)line);
}

/* Called for OP_REACHED. Returns whether the instruction that it stood in for is there again; one that stands in for nothing
   does nothing. */
int reach(const Proto *p, const Instruction *at) {
  const watched_function *function = find(p);
  if (function == NULL) return 0;
  int pc = (int)(at - p->code);
  OpCode opcode = pc < p->sizecode ? (OpCode)function->opcodes[pc] : OP_REACHED;
  if (opcode == OP_REACHED) return 0;
  SET_OPCODE(p->code[pc], opcode);
  report(function, pc);
  /* It runs the call of its loop without fetching it. */
  if (opcode == OP_TFORPREP) reach(p, at + 1 + GETARG_Bx(*at));
  return 1;
}

int open_coverage(lua_State *L) {
  lua_pushcfunction(L, l_watch);
  lua_setfield(L, -2, "watch");
  return 0;
}
