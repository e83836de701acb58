/* Coroutines and waiting for the host.

   A task is a coroutine that the scheduler (lua/scheduler.lua) owns. When a task waits it yields PARK, which only
   the scheduler understands. A script's own coroutine that waits inside a task must suspend the complete task: `resume`
   and `wrap` therefore pass PARK outwards and, when the task goes on, resume the inner coroutine again. Scripts never
   see PARK. */
#include "guest.h"

static const char PARK = 'P';

/* What a coroutine is for, in the extra space that Lua reserves before each lua_State. */
enum ownership { ORDINARY = 0, PARKED = 1, TASK = 2 };

static enum ownership *ownership_of(lua_State *L) {
  return (enum ownership *)lua_getextraspace(L);
}

/* How many resumes are under way whose resumer itself cannot yield (a sort comparator, a gsub callback…). */
static int pinned = 0;

static int is_park(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TLIGHTUSERDATA && lua_touserdata(L, index) == &PARK;
}

void must_be_able_to_wait(lua_State *L, const char *what) {
  if (lua_isyieldable(L) && pinned == 0) return;
  luaL_error(L,
             "%s cannot wait here: Lua cannot suspend at the top level of a chunk, inside a comparator of table.sort, a "
             "replacement function of string.gsub, __tostring, __gc or another callback of a C function",
             what);
}

/* wait_for leaves the ticket at index 1, where the continuation finds it. */
int wait_for(lua_State *L, uint64_t ticket, lua_KFunction taken) {
  lua_settop(L, 0);
  lua_pushinteger(L, (lua_Integer)ticket);
  lua_pushlightuserdata(L, (void *)&PARK);
  lua_pushinteger(L, (lua_Integer)ticket);
  return lua_yieldk(L, 2, 0, taken);
}

/* can_wait(what): raises where a wait would be impossible. Called before anything is registered. */
static int l_can_wait(lua_State *L) {
  must_be_able_to_wait(L, luaL_checkstring(L, 1));
  return 0;
}

/* could_wait() -> boolean */
static int l_could_wait(lua_State *L) {
  lua_pushboolean(L, lua_isyieldable(L) && pinned == 0);
  return 1;
}

/* park() -> the values the scheduler resumes the task with */
static int l_park(lua_State *L) {
  lua_settop(L, 0);
  lua_pushlightuserdata(L, (void *)&PARK);
  return lua_yield(L, 1);
}

/* new_task(function?, ended?) -> coroutine owned by the scheduler; it is the given one if that ended without an error.
   Without a function it has ended already. */
static int l_new_task(lua_State *L) {
  lua_settop(L, 2);
  lua_State *task = lua_tothread(L, 2);
  int is_free = task != NULL && lua_status(task) == LUA_OK && lua_gettop(task) == 0;
  if (is_free)
    lua_pushvalue(L, 2);
  else
    task = lua_newthread(L);
  *ownership_of(task) = TASK;
  if (!lua_isnoneornil(L, 1)) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_pushvalue(L, 1);
    lua_xmove(L, task, 1);
  }
  return 1;
}

/* What a step of a task came to; lua/scheduler.lua knows the numbers. */
enum { DONE = 0, FAILED = 1, WAITS = 2, YIELDED = 3 };

/* step(task, …) -> DONE, results… | FAILED, error | WAITS, ticket? | YIELDED */
static int l_step(lua_State *L) {
  lua_State *task = lua_tothread(L, 1);
  int count = lua_gettop(L) - 1, results;
  if (!lua_checkstack(task, count)) return luaL_error(L, "too many arguments");
  lua_xmove(L, task, count);
  int status = lua_resume(task, L, count, &results);
  if (status == LUA_YIELD) {
    int parked = results > 0 && is_park(task, -results);
    lua_pushinteger(L, parked ? WAITS : YIELDED);
    if (parked && results > 1) {
      lua_pushvalue(task, 1 - results);
      lua_xmove(task, L, 1);
      lua_pop(task, results);
      return 2;
    }
    lua_pop(task, results);
    return 1;
  }
  lua_pushinteger(L, status == LUA_OK ? DONE : FAILED);
  int moved = status == LUA_OK ? results : 1;
  luaL_checkstack(L, moved, "too many results");
  lua_xmove(task, L, moved);
  return moved + 1;
}

static int refuse_resume(lua_State *L, const char *message) {
  lua_pushliteral(L, "cannot resume ");
  lua_pushstring(L, message);
  lua_concat(L, 2);
  return -1;
}

/* Resumes `inner` with `count` values from L's top. Returns how many results it left on L, or -1 with a message.
   *parked says that PARK must be passed on. */
static int resume_inner(lua_State *L, lua_State *inner, int count, int *parked) {
  *parked = 0;
  switch (*ownership_of(inner)) {
    case TASK: return refuse_resume(L, "a coroutine started by coroutine.spawn");
    case PARKED: return refuse_resume(L, "a coroutine that waits for the host");
    default: break;
  }
  if (!lua_checkstack(inner, count)) return refuse_resume(L, "with so many arguments");
  if (lua_status(inner) == LUA_OK && lua_gettop(inner) == 0) return refuse_resume(L, "dead coroutine");
  lua_xmove(L, inner, count);
  int outer_is_fixed = !lua_isyieldable(L), results;
  pinned += outer_is_fixed;
  int status = lua_resume(inner, L, count, &results);
  pinned -= outer_is_fixed;
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(inner, L, 1);
    return -1;
  }
  if (status == LUA_YIELD && results > 0 && is_park(inner, -results)) {
    *parked = 1;
    *ownership_of(inner) = PARKED;
  }
  if (!lua_checkstack(L, results + 1)) {
    lua_pop(inner, results);
    return refuse_resume(L, "with so many results");
  }
  lua_xmove(inner, L, results);
  return results;
}

static int finish_resume(lua_State *L, int status, lua_KContext first);

/* Runs the coroutine at index 1 until it does something other than wait. The values for it lie above `first`. */
static int run_resume(lua_State *L, int first) {
  int parked, results = resume_inner(L, lua_tothread(L, 1), lua_gettop(L) - first, &parked);
  if (parked) return lua_yieldk(L, results, first, finish_resume);
  lua_pushboolean(L, results >= 0);
  if (results < 0) results = 1;
  lua_insert(L, -(results + 1));
  return results + 1;
}

static int finish_resume(lua_State *L, int status, lua_KContext first) {
  (void)status;
  *ownership_of(lua_tothread(L, 1)) = ORDINARY;
  return run_resume(L, (int)first);
}

static lua_State *coroutine_argument(lua_State *L) {
  lua_State *inner = lua_tothread(L, 1);
  luaL_argexpected(L, inner, 1, "coroutine");
  return inner;
}

static int l_resume(lua_State *L) {
  coroutine_argument(L);
  return run_resume(L, 1);
}

static int finish_wrap(lua_State *L, int status, lua_KContext first);

static int run_wrap(lua_State *L, int first) {
  lua_State *inner = lua_tothread(L, 1);
  int parked, results = resume_inner(L, inner, lua_gettop(L) - first, &parked);
  if (parked) return lua_yieldk(L, results, first, finish_wrap);
  if (results >= 0) return results;
  int status = lua_status(inner);
  if (status != LUA_OK && status != LUA_YIELD) { /* failed: run its pending to-be-closed variables */
    status = lua_closethread(inner, L);
    lua_pop(L, 1);
    lua_xmove(inner, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int finish_wrap(lua_State *L, int status, lua_KContext first) {
  (void)status;
  *ownership_of(lua_tothread(L, 1)) = ORDINARY;
  return run_wrap(L, (int)first);
}

static int call_wrapped(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  return run_wrap(L, 1);
}

static int l_create(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *inner = lua_newthread(L);
  *ownership_of(inner) = ORDINARY;
  lua_pushvalue(L, 1);
  lua_xmove(L, inner, 1);
  return 1;
}

static int l_wrap(lua_State *L) {
  l_create(L);
  lua_pushcclosure(L, call_wrapped, 1);
  return 1;
}

/* ownership(coroutine) -> "task" | "parked" | nil */
static int l_ownership(lua_State *L) {
  switch (*ownership_of(coroutine_argument(L))) {
    case TASK: lua_pushliteral(L, "task"); return 1;
    case PARKED: lua_pushliteral(L, "parked"); return 1;
    default: return 0;
  }
}

int open_coroutines(lua_State *L) {
  *ownership_of(L) = ORDINARY;
  static const luaL_Reg functions[] = {
      {"can_wait", l_can_wait}, {"could_wait", l_could_wait}, {"park", l_park},     {"new_task", l_new_task},
      {"step", l_step},         {"ownership", l_ownership},   {"create", l_create}, {"resume", l_resume},
      {"wrap_coroutine", l_wrap}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  return 0;
}
