/* Positions and stacks, without giving scripts the debug library. */
#include "guest.h"
#include "ltable.h"
#include "lua_cell.h"

static int is_prelude(const lua_Debug *frame) {
  return frame->short_src[0] == '<';
}

static lua_State *thread_argument(lua_State *L, int *next) {
  *next = lua_isthread(L, 1) ? 2 : 1;
  return *next == 2 ? lua_tothread(L, 1) : L;
}

/* where([thread,] level) -> "entry:line" of the nearest frame of a script at that level or above, or "" */
static int l_where(lua_State *L) {
  int next;
  lua_State *thread = thread_argument(L, &next);
  int level = (int)luaL_optinteger(L, next, 1);
  lua_Debug frame;
  for (; lua_getstack(thread, level, &frame); level++) {
    lua_getinfo(thread, "Sl", &frame);
    if (frame.currentline > 0 && !is_prelude(&frame)) {
      lua_pushfstring(L, "%s:%d", frame.short_src, frame.currentline);
      return 1;
    }
  }
  lua_pushliteral(L, "");
  return 1;
}

/* frames([thread,] level) -> array of {source, line, name, type}: the scripts' frames only */
static int l_frames(lua_State *L) {
  enum { MOST_FRAMES = 32 }; /* deeper stacks are recursion; the top tells the story */
  int next, count = 0;
  lua_State *thread = thread_argument(L, &next);
  int level = (int)luaL_optinteger(L, next, 1);
  lua_Debug frame;
  lua_newtable(L);
  for (; count < MOST_FRAMES && lua_getstack(thread, level, &frame); level++) {
    lua_getinfo(thread, "Sln", &frame);
    if (frame.currentline <= 0 || is_prelude(&frame)) continue;
    lua_createtable(L, 0, 4);
    lua_pushstring(L, frame.short_src);
    lua_setfield(L, -2, "source");
    lua_pushinteger(L, frame.currentline);
    lua_setfield(L, -2, "line");
    lua_pushstring(L, frame.name != NULL ? frame.name : "?");
    lua_setfield(L, -2, "name");
    lua_pushstring(L, *frame.namewhat != '\0' ? frame.namewhat : "function");
    lua_setfield(L, -2, "type");
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

/* freeze(table) -> table: refuses every later write. See patches/frozen-tables.patch. */
static int l_freeze(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  ((Table *)lua_topointer(L, 1))->flags |= FROZENBIT;
  lua_settop(L, 1);
  return 1;
}

static int l_isfrozen(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushboolean(L, isfrozen((const Table *)lua_topointer(L, 1)));
  return 1;
}

/* create_table(items, fields?) -> empty table with room for so many. Room is a hint: beyond what it saves, it only takes memory. */
static int l_create_table(lua_State *L) {
  enum { MOST_ROOM = 1 << 16 };
  lua_Integer items = luaL_checkinteger(L, 1), fields = luaL_optinteger(L, 2, 0);
  luaL_argcheck(L, items >= 0, 1, "must not be negative");
  luaL_argcheck(L, fields >= 0, 2, "must not be negative");
  lua_createtable(L, (int)(items < MOST_ROOM ? items : MOST_ROOM), (int)(fields < MOST_ROOM ? fields : MOST_ROOM));
  return 1;
}

/* compile(source, name, environment, is_bytecode) -> function, or nil and a message. The source is a list of bytes that the host
   gave. Bytecode cannot be verified: it may do anything that a broken interpreter could do in this memory, and no more. */
static int l_compile(lua_State *L) {
  const lua_cell_list_u8_t *source = lua_touserdata(L, 1);
  const char *form = lua_toboolean(L, 4) ? "b" : "t";
  if (luaL_loadbufferx(L, (const char *)source->ptr, source->len, luaL_checkstring(L, 2), form) != LUA_OK) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  lua_pushvalue(L, 3);
  if (lua_setupvalue(L, -2, 1) == NULL) lua_pop(L, 1); /* forged bytecode may have no upvalue */
  return 1;
}

int open_debugging(lua_State *L) {
  static const luaL_Reg functions[] = {{"where", l_where},       {"frames", l_frames},   {"freeze", l_freeze},
                                       {"isfrozen", l_isfrozen}, {"compile", l_compile}, {"create_table", l_create_table},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  return 0;
}
