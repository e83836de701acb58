/* Lua's memory: small blocks from lists by size, large ones from malloc. Its exhaustion ends the cell.

   Lua names the size of a block when it frees it, so blocks need no headers, and what a call allocates lies together: a
   used cell is made clean by restoring the few pages that the call wrote. */
#include <stdlib.h>
#include <string.h>

#include "guest.h"

enum {
  GRAIN = 8,               /* what doubles and 64-bit integers are aligned to */
  LARGEST = 512,           /* beyond it a block's own header costs little */
  FIRST_RESERVE = 1 << 10, /* taken from malloc first: what a short call allocates and what it is given then share a page */
  RESERVE = 16 << 10,      /* the most that is taken at a time */
};

typedef struct unused {
  struct unused *next;
} unused;

static unused *freed[LARGEST / GRAIN + 1]; /* by size in grains */
static char *reserve, *reserve_end;       /* never used so far */
static size_t next_reserve = FIRST_RESERVE;

static void release(void *at, size_t grains) {
  unused *released = at;
  released->next = freed[grains];
  freed[grains] = released;
}

static void *small(size_t grains) {
  unused *reused = freed[grains];
  if (reused != NULL) {
    freed[grains] = reused->next;
    return reused;
  }
  size_t size = grains * GRAIN;
  if ((size_t)(reserve_end - reserve) < size) {
    size_t taken = next_reserve;
    char *more = malloc(taken);
    if (more == NULL) return malloc(size); /* the last bytes below the limit */
    if (reserve != reserve_end) release(reserve, (size_t)(reserve_end - reserve) / GRAIN);
    reserve = more;
    reserve_end = more + taken;
    next_reserve = taken < RESERVE ? 2 * taken : RESERVE;
  }
  void *fresh = reserve;
  reserve += size;
  return fresh;
}

static size_t grains_of(size_t size) {
  return (size + GRAIN - 1) / GRAIN;
}

static void *resize(void *old, size_t old_size, size_t new_size) {
  if (old == NULL) return new_size <= LARGEST ? small(grains_of(new_size)) : malloc(new_size);
  if (old_size > LARGEST && new_size > LARGEST) return realloc(old, new_size);
  if (old_size <= LARGEST && grains_of(old_size) == grains_of(new_size)) return old;
  void *moved = new_size <= LARGEST ? small(grains_of(new_size)) : malloc(new_size);
  if (moved == NULL) return NULL;
  memcpy(moved, old, old_size < new_size ? old_size : new_size);
  if (old_size <= LARGEST)
    release(old, grains_of(old_size));
  else
    free(old);
  return moved;
}

/* Lua answers a failed allocation with a full collection and one more attempt. If that fails as well the cell is beyond
   its limit: it ends here, because a catchable error would let the entry go on at the brink for ever. The host knows
   that it refused memory and reports the limit. */
void *guest_alloc(void *ud, void *old, size_t old_size, size_t new_size) {
  static size_t failed_size = 0;
  (void)ud;
  if (new_size == 0) {
    if (old == NULL) return NULL;
    if (old_size <= LARGEST)
      release(old, grains_of(old_size));
    else
      free(old);
    return NULL;
  }
  void *new = resize(old, old_size, new_size);
  if (new != NULL) {
    if (new_size == failed_size) failed_size = 0;
    return new;
  }
  if (old != NULL && new_size <= old_size) return old; /* Lua may assume that shrinking never fails */
  if (failed_size == new_size) __builtin_trap();
  failed_size = new_size;
  return NULL;
}

/* What loading freed is scattered over its pages. Giving it up makes later blocks lie together on pages of their own. */
void begin_new_pages(void) {
  memset(freed, 0, sizeof freed);
  reserve = reserve_end = NULL;
  next_reserve = FIRST_RESERVE;
}

/* Blocks in the lists keep their links; what was never used may have been something else's before. */
void wipe_freed(void) {
  for (size_t grains = 1; grains <= LARGEST / GRAIN; grains++)
    for (unused *block = freed[grains]; block != NULL; block = block->next)
      memset(block + 1, 0, grains * GRAIN - sizeof *block);
  wipe(reserve, reserve_end);
}
