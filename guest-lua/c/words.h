/* Eight bytes of text at a time. */
#ifndef PERILUNE_WORDS_H
#define PERILUNE_WORDS_H

#include <stdint.h>
#include <string.h>

#define EACH(byte) (0x0101010101010101u * (uint64_t)(byte))
#define HIGH_BITS EACH(0x80)

/* What lies beyond the end of a string may be read: in linear memory, a header of eight bytes ends the heap (heap.c). */
static inline uint64_t load_word(const void *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

/* High bits mark the bytes that are `byte`. Bytes that are not ASCII may be marked too, and so may those after a marked one. */
static inline uint64_t marks_equal(uint64_t word, uint8_t byte) {
  return (word ^ EACH(byte)) - EACH(1);
}

static inline uint64_t marks_below(uint64_t word, uint8_t byte) {
  return word - EACH(byte);
}

/* How many bytes stand before the first marked one. */
static inline unsigned before_mark(uint64_t marks) {
  marks &= HIGH_BITS;
  return marks == 0 ? 8 : (unsigned)__builtin_ctzll(marks) / 8;
}

#endif
