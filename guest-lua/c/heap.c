/* malloc and its family. The one of the toolchain rounds sizes up to powers of two and begins a wasm page for each of them,
   which takes twice the memory and scatters what a call writes.

   Memory is a row of blocks, each behind a header that knows its own size and that of the one before it, so that
   neighbours that are free become one. Free blocks hang in bins by size; a bit per bin tells which hold any. A request
   takes the first block of the first bin whose blocks all fit (good fit, in constant time). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

enum {
  UNIT = 16,             /* sizes are multiples of it, and addresses given out are aligned to it */
  HEADER = 8,
  SMALLEST = 2 * UNIT,   /* a header and two links, rounded up */
  EXACT = 64,            /* sizes below so many units have a bin each */
  STEPS = 8,             /* larger ones share it with sizes up to an eighth larger */
  BINS = EXACT + 26 * STEPS,
  WORDS = (BINS + 63) / 64,
  WASM_PAGE = 64 << 10,
};

typedef struct block {
  uint32_t before;               /* size of the block before this one; 0 for the first */
  uint32_t size : 31, free : 1;  /* of the block in bytes with its header; 0 for the end of the heap */
  struct block *next, *previous; /* in its bin, while free */
} block;

static block *bins[BINS];
static uint64_t filled[WORDS];
static block *end = NULL; /* a header of size 0 behind the last block */
static uint32_t last_size; /* of that block: its `before` would be one page more that nearly each call writes */

extern uint8_t __heap_base;

static block *after(block *b) {
  return (block *)((char *)b + b->size);
}

static block *behind(block *b) {
  return (block *)((char *)b - b->before);
}

/* The bin that a block of this size belongs into. */
static uint32_t bin_of(uint32_t size) {
  uint32_t units = size / UNIT;
  if (units < EXACT) return units;
  uint32_t magnitude = 31 - (uint32_t)__builtin_clz(units); /* EXACT is 1 << 6, STEPS is 1 << 3 */
  return EXACT + (magnitude - 6) * STEPS + ((units >> (magnitude - 3)) & (STEPS - 1));
}

/* The first bin all of whose blocks are at least so large. */
static uint32_t fitting_bin(uint32_t size) {
  uint32_t units = size / UNIT;
  if (units < EXACT) return units;
  uint32_t step = 1u << (31 - (uint32_t)__builtin_clz(units) - 3);
  return bin_of((units + step - 1) * UNIT);
}

static void put(block *b) {
  uint32_t bin = bin_of(b->size);
  b->free = 1;
  b->previous = NULL;
  b->next = bins[bin];
  if (b->next != NULL) b->next->previous = b;
  bins[bin] = b;
  filled[bin / 64] |= 1ull << (bin % 64);
}

static void take(block *b) {
  uint32_t bin = bin_of(b->size);
  b->free = 0;
  if (b->next != NULL) b->next->previous = b->previous;
  if (b->previous != NULL) {
    b->previous->next = b->next;
    return;
  }
  bins[bin] = b->next;
  if (b->next == NULL) filled[bin / 64] &= ~(1ull << (bin % 64));
}

static void set_size(block *b, uint32_t size) {
  b->size = size;
  if (after(b) == end)
    last_size = size;
  else
    after(b)->before = size;
}

/* Makes a block that is in no bin free, together with its neighbours that are. */
static void give_back(block *b) {
  block *next = after(b);
  if (next->free) {
    take(next);
    set_size(b, b->size + next->size);
  }
  block *previous = behind(b);
  if (b->before != 0 && previous->free) {
    take(previous);
    set_size(previous, previous->size + b->size);
    b = previous;
  }
  put(b);
}

/* Cuts off what a block in use has beyond `size`. */
static void trim(block *b, uint32_t size) {
  uint32_t rest = b->size - size;
  if (rest < SMALLEST) return;
  set_size(b, size);
  block *cut = after(b);
  cut->free = 0;
  set_size(cut, rest);
  give_back(cut);
}

/* Adds at least `size` bytes behind the last block. Memory never shrinks, but a cell that was made clean again has less in
   use than it once grew to. */
static int grow(uint32_t size) {
  uint64_t limit = (uint64_t)__builtin_wasm_memory_size(0) * WASM_PAGE;
  if (end == NULL) {
    uintptr_t start = ((uintptr_t)&__heap_base + HEADER + UNIT - 1) / UNIT * UNIT - HEADER;
    if (start + 2 * WASM_PAGE > limit) {
      if (__builtin_wasm_memory_grow(0, 2) == (size_t)-1) return 0;
      limit += 2 * WASM_PAGE;
    }
    end = (block *)start;
    end->size = 0;
    end->free = 0;
  }
  uint64_t wanted = (uint64_t)(uintptr_t)end + size + HEADER;
  if (wanted > limit) {
    uint64_t pages = (wanted - limit + WASM_PAGE - 1) / WASM_PAGE;
    if (limit + pages * WASM_PAGE > UINT32_MAX || __builtin_wasm_memory_grow(0, (size_t)pages) == (size_t)-1) return 0;
    limit += pages * WASM_PAGE;
  }
  uint32_t added = (uint32_t)((limit - HEADER - (uintptr_t)end) / UNIT * UNIT);
  block *fresh = end;
  fresh->before = last_size;
  end = (block *)((char *)fresh + added);
  end->size = 0;
  end->free = 0;
  set_size(fresh, added);
  give_back(fresh);
  return 1;
}

static block *find(uint32_t size) {
  uint32_t bin = fitting_bin(size);
  for (uint32_t word = bin / 64; word < WORDS; word++) {
    uint64_t candidates = filled[word];
    if (word == bin / 64) candidates &= ~0ull << (bin % 64);
    if (candidates != 0) return bins[word * 64 + (uint32_t)__builtin_ctzll(candidates)];
  }
  return NULL;
}

/* The size of a block for so many bytes; 0 when there is none so large. */
static uint32_t block_size(size_t bytes) {
  enum { LARGEST = 0x7fff0000 };
  if (bytes > LARGEST) return 0;
  uint32_t size = (uint32_t)((bytes + HEADER + UNIT - 1) / UNIT * UNIT);
  return size < SMALLEST ? SMALLEST : size;
}

static block *block_at(void *at) {
  return (block *)((char *)at - HEADER);
}

void *malloc(size_t bytes) {
  uint32_t size = block_size(bytes);
  block *b = size == 0 ? NULL : find(size);
  if (b == NULL && size != 0 && grow(size + size / STEPS)) b = find(size);
  if (b == NULL) {
    errno = ENOMEM;
    return NULL;
  }
  take(b);
  trim(b, size);
  return (char *)b + HEADER;
}

void free(void *at) {
  if (at != NULL) give_back(block_at(at));
}

void *realloc(void *old, size_t bytes) {
  if (old == NULL) return malloc(bytes);
  block *b = block_at(old);
  uint32_t size = block_size(bytes);
  if (size > b->size) {
    block *next = after(b);
    if (next->free && b->size + next->size >= size) {
      take(next);
      set_size(b, b->size + next->size);
    }
  }
  if (size != 0 && size <= b->size) {
    trim(b, size);
    return old;
  }
  void *moved = malloc(bytes);
  if (moved == NULL) return NULL;
  memcpy(moved, old, b->size - HEADER);
  free(old);
  return moved;
}

void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
  void *at = malloc(bytes);
  return at == NULL ? NULL : memset(at, 0, bytes);
}

/* What free blocks still hold would be part of an image. */
void clear_free_blocks(void) {
  for (uint32_t bin = 0; bin < BINS; bin++)
    for (block *b = bins[bin]; b != NULL; b = b->next) memset(b + 1, 0, b->size - sizeof *b);
}

/* --- before a long wait --------------------------------------------------------------------------------------------------- */

enum { PAGE = 4 << 10 }; /* what systems give back, at the least */

stretch *stretches;
size_t stretch_count, stretch_room;

/* Writing zeros to pages that nothing ever wrote to would take memory for them. */
void wipe(void *start, void *end) {
  uintptr_t from = ((uintptr_t)start + PAGE - 1) / PAGE * PAGE, to = (uintptr_t)end / PAGE * PAGE;
  if (from >= to || stretch_count == stretch_room) {
    memset(start, 0, (size_t)((char *)end - (char *)start));
    return;
  }
  memset(start, 0, from - (uintptr_t)start);
  memset((void *)to, 0, (uintptr_t)end - to);
  stretches[stretch_count++] = (stretch){(uint32_t)from, (uint32_t)(to - from)};
}

/* The largest first: there may be more than can be noted. */
void wipe_free_blocks(void) {
  for (uint32_t bin = BINS; bin-- > 0;)
    for (block *b = bins[bin]; b != NULL; b = b->next) wipe(b + 1, after(b));
}
