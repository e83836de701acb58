/* Typed userdata over a state table: errors, channels, times, futures. Scripts see an opaque value with methods. */
#include "guest.h"
#include "lgc.h"
#include "lobject.h"
#include "lstate.h"
#include "ltable.h"

const char ERROR_CLASS = 'E';

const Table *object_state(lua_State *L, const TValue *value, const void *class_key) {
  if (!ttisfulluserdata(value)) return NULL;
  TValue key;
  setpvalue(&key, (void *)class_key);
  const TValue *metatable = luaH_get(hvalue(&G(L)->l_registry), &key);
  const Udata *object = uvalue(value);
  return ttistable(metatable) && object->metatable == hvalue(metatable) ? hvalue(&object->uv[0].uv) : NULL;
}

static void wrap_with(lua_State *L, int state, int metatable) {
  state = lua_absindex(L, state);
  metatable = lua_absindex(L, metatable);
  lua_newuserdatauv(L, 0, 1);
  lua_pushvalue(L, state);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, metatable);
  lua_setmetatable(L, -2);
}

void object_wrap(lua_State *L, const void *class_key) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, class_key);
  wrap_with(L, -2, -1);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* wrap(state, metatable) -> object */
static int l_wrap(lua_State *L) {
  wrap_with(L, 1, 2);
  return 1;
}

/* unwrap(object, metatable) -> state or nil; the object's class is shown by its metatable. Each method begins with it, so it asks Lua
   for nothing. */
static int l_unwrap(lua_State *L) {
  const TValue *object = s2v(L->ci->func.p + 1), *metatable = s2v(L->ci->func.p + 2);
  if (L->top.p - L->ci->func.p < 3 || !ttisfulluserdata(object) || !ttistable(metatable)) return 0;
  if (uvalue(object)->metatable != hvalue(metatable)) return 0;
  setobj2s(L, L->top.p, &uvalue(object)->uv[0].uv);
  L->top.p++;
  return 1;
}

/* set_error_class(metatable) */
static int l_set_error_class(lua_State *L) {
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &ERROR_CLASS);
  return 0;
}

int open_objects(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"wrap", l_wrap}, {"unwrap", l_unwrap}, {"set_error_class", l_set_error_class}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  return 0;
}
