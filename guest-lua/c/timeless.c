/* Whether code asked for something that may differ the next time it runs: the time, randomness, an id, the context of a
   call. Its answer must not be frozen into an image. */
#include <string.h>

#include "guest.h"

bool asked_outside = false;
bool was_denied = false;

/* The state of math.random, which is its upvalue: four words of xoshiro256**. */
enum { WORDS = 4 };
static uint64_t *random_state;
static uint64_t seeded[WORDS];

/* splitmix64, which the authors of xoshiro recommend for its seed: equal or empty words would take it long to mix. */
static uint64_t mixed(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* Where seeds come from that Lua asks for itself. */
static uint64_t further_seeds;

void seed_random(uint64_t first, uint64_t second) {
  uint64_t one = first, two = second;
  further_seeds = first ^ ~second;
  seeded[0] = mixed(&one), seeded[1] = mixed(&two), seeded[2] = mixed(&one), seeded[3] = mixed(&two);
  memcpy(random_state, seeded, sizeof seeded);
}

/* timeless() -> boolean: false from the first question to the outside on */
static int l_timeless(lua_State *L) {
  asked_outside = asked_outside || memcmp(random_state, seeded, sizeof seeded) != 0;
  lua_pushboolean(L, !asked_outside);
  return 1;
}

/* denied() -> boolean: true from the first refusal for want of permission on */
static int l_denied(lua_State *L) {
  lua_pushboolean(L, was_denied);
  return 1;
}

/* seed() -> two integers: no others of this call or another are equal to them */
static int l_seed(lua_State *L) {
  asked_outside = true;
  lua_pushinteger(L, (lua_Integer)mixed(&further_seeds));
  lua_pushinteger(L, (lua_Integer)mixed(&further_seeds));
  return 2;
}

int open_randomness(lua_State *L) {
  lua_getglobal(L, "math");
  lua_getfield(L, -1, "random");
  lua_getupvalue(L, -1, 1);
  random_state = lua_touserdata(L, -1);
  lua_pop(L, 3);
  lua_pushcfunction(L, l_timeless);
  lua_setfield(L, -2, "timeless");
  lua_pushcfunction(L, l_denied);
  lua_setfield(L, -2, "denied");
  lua_pushcfunction(L, l_seed);
  lua_setfield(L, -2, "seed");
  return 0;
}
