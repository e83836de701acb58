;; Adler-32 of a text, and a loop that never ends. `checksum.wasm` is made of this: `wasm-tools parse checksum.wat -o checksum.wasm`.
(component
  (core module $main
    (memory (export "memory") 1)
    ;; The host asks for room for the text. One call, one text: it always begins behind the first kilobyte.
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (local $pages i32)
      (local.set $pages (i32.shr_u (i32.add (local.get $size) (i32.const 66559)) (i32.const 16)))
      (if (i32.gt_u (local.get $pages) (memory.size))
        (then
          (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1)) (then unreachable))))
      (i32.const 1024))
    (func (export "adler32") (param $text i32) (param $length i32) (result i32)
      (local $a i32) (local $b i32) (local $end i32)
      (local.set $a (i32.const 1))
      (local.set $end (i32.add (local.get $text) (local.get $length)))
      (block $done
        (loop $next
          (br_if $done (i32.ge_u (local.get $text) (local.get $end)))
          (local.set $a
            (i32.rem_u (i32.add (local.get $a) (i32.load8_u (local.get $text))) (i32.const 65521)))
          (local.set $b (i32.rem_u (i32.add (local.get $b) (local.get $a)) (i32.const 65521)))
          (local.set $text (i32.add (local.get $text) (i32.const 1)))
          (br $next)))
      (i32.or (i32.shl (local.get $b) (i32.const 16)) (local.get $a)))
    (func (export "spin") (loop $for_ever (br $for_ever))))
  (core instance $main (instantiate $main))
  (alias core export $main "memory" (core memory $memory))
  (alias core export $main "realloc" (core func $realloc))
  (func (export "adler32") (param "text" string) (result u32)
    (canon lift (core func $main "adler32") (memory $memory) (realloc $realloc)))
  (func (export "spin") (canon lift (core func $main "spin"))))
