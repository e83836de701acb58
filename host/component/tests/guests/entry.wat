;; `perilune:component/entry`: gives its arguments back.
(component
  (libc)
  (core module $main
    (import "libc" "memory" (memory 1))
    (func (export "run") (param i32 i32) (result i32)
      (i32.store8 (i32.const 16) (i32.const 0))
      (i32.store (i32.const 20) (local.get 0))
      (i32.store (i32.const 24) (local.get 1))
      (i32.const 16)))
  (core instance $main (instantiate $main (with "libc" (instance $libc))))
  (func $run (param "arguments" string) (result (result string (error string)))
    (canon lift (core func $main "run") (memory $memory) (realloc $realloc)))
  (instance $entry (export "run" (func $run)))
  (export "perilune:component/entry@0.1.0" (instance $entry)))
