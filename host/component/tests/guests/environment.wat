;; What it finds in its environment.
(component
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))
    (export "get-arguments" (func (result (list string))))))
  (libc)
  (core func $variables
    (canon lower (func $environment "get-environment") (memory $memory) (realloc $realloc)))
  (core func $arguments
    (canon lower (func $environment "get-arguments") (memory $memory) (realloc $realloc)))
  (core module $main
    (import "host" "variables" (func $variables (param i32)))
    (import "host" "arguments" (func $arguments (param i32)))
    (func (export "variables") (result i32) (call $variables (i32.const 16)) (i32.const 16))
    (func (export "arguments") (result i32) (call $arguments (i32.const 16)) (i32.const 16)))
  (core instance $main (instantiate $main
    (with "host" (instance (export "variables" (func $variables)) (export "arguments" (func $arguments))))))
  (func (export "variables") (result (list (tuple string string)))
    (canon lift (core func $main "variables") (memory $memory)))
  (func (export "arguments") (result (list string))
    (canon lift (core func $main "arguments") (memory $memory))))
