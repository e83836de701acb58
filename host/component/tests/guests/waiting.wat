;; Waits for a message, and gives nothing.
(component
  (import "perilune:component/process@0.1.0" (instance $process
    (type $message' (record (field "topic" string) (field "sender" string) (field "payloads" string)))
    (export "message" (type $message (eq $message')))
    (export "receive" (func (param "timeout" (option u64)) (result (option $message))))))
  (libc)
  (core func $receive (canon lower (func $process "receive") (memory $memory) (realloc $realloc)))
  (core module $main
    (import "host" "receive" (func $receive (param i32 i64 i32)))
    (func (export "wait") (call $receive (i32.const 0) (i64.const 0) (i32.const 16))))
  (core instance $main (instantiate $main (with "host" (instance (export "receive" (func $receive))))))
  (func (export "wait") (canon lift (core func $main "wait"))))
