/* Typed userdata over a state table: errors, channels, times, futures. Scripts see an opaque value with methods. */
#include "guest.h"
#include "lobject.h"
#include "lstate.h"
#include "ltable.h"

const char ERROR_CLASS = 'E';

/* Shared by all objects: any userdata whose metatable is the class's. */
static int has_metatable(lua_State *L, int index, int metatable) {
  if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) return 0;
  int same = lua_rawequal(L, -1, metatable);
  lua_pop(L, 1);
  return same;
}

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

/* unwrap(object, metatable) -> state or nil */
static int l_unwrap(lua_State *L) {
  if (!has_metatable(L, 1, 2)) return 0;
  lua_getiuservalue(L, 1, 1);
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
