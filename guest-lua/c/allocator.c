/* Memory whose exhaustion ends the cell. */
#include <stdlib.h>

#include "guest.h"

/* Lua answers a failed allocation with a full collection and one more attempt. If that fails as well the cell is beyond
   its limit: it ends here, because a catchable error would let the entry go on at the brink for ever. The host knows
   that it refused memory and reports the limit. */
void *guest_alloc(void *ud, void *ptr, size_t old_size, size_t new_size) {
  static size_t failed_size = 0;
  (void)ud;
  if (new_size == 0) {
    free(ptr);
    return NULL;
  }
  void *block = realloc(ptr, new_size);
  if (block != NULL) {
    if (new_size == failed_size) failed_size = 0;
    return block;
  }
  if (ptr != NULL && new_size <= old_size) return ptr; /* Lua may assume that shrinking never fails */
  if (failed_size == new_size) __builtin_trap();
  failed_size = new_size;
  return NULL;
}
