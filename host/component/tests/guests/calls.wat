;; Passes `perilune:component/funcs` on.
(component
  (import "perilune:component/funcs@0.1.0" (instance $funcs
    (export "call" (func (param "target" string) (param "arguments" string) (param "timeout" (option u64)) (result (result string (error string)))))))
  (libc)
  (core func $call (canon lower (func $funcs "call") (memory $memory) (realloc $realloc)))
  (core module $main
    (import "libc" "memory" (memory 1))
    (import "host" "call" (func $call (param i32 i32 i32 i32 i32 i64 i32)))
    (func (export "call") (param i32 i32 i32 i32 i32 i64) (result i32)
      (call $call (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (i32.const 16))
      (i32.const 16)))
  (core instance $main (instantiate $main
    (with "libc" (instance $libc))
    (with "host" (instance (export "call" (func $call))))))
  (func (export "call") (param "target" string) (param "arguments" string) (param "timeout" (option u64)) (result (result string (error string)))
    (canon lift (core func $main "call") (memory $memory) (realloc $realloc))))
