;; A component: what a toolchain for components makes of a library, written by hand.
;;
;;   wasm-tools parse greeter.wat -o greeter.wasm
(component
  (import "log" (func $log (param "text" string)))

  (core module $memory
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.and (i32.add (i32.add (global.get $next) (local.get 3)) (i32.const 7)) (i32.const -8)))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $log' (canon lower (func $log) (memory $mem)))

  (core module $greeter
    (import "host" "log" (func $log (param i32 i32)))
    (import "memory" "memory" (memory 1))
    (data (i32.const 64) "Hello, ")
    ;; The greeting is made at 128, and where it is, is written at 16.
    (func (export "greet") (param $name i32) (param $length i32) (param $times i32) (result i32)
      (call $log (local.get $name) (local.get $length))
      (memory.copy (i32.const 128) (i32.const 64) (i32.const 7))
      (memory.copy (i32.const 135) (local.get $name) (local.get $length))
      (i32.store (i32.const 16) (i32.const 128))
      (i32.store (i32.const 20) (i32.add (local.get $length) (i32.const 7)))
      (i32.store (i32.const 24) (i32.add (local.get $times) (i32.const 1)))
      (i32.const 16)))
  (core instance $greeter (instantiate $greeter
    (with "memory" (instance $memory))
    (with "host" (instance (export "log" (func $log'))))))

  (type $visitor' (record (field "name" string) (field "visits" u32)))
  (export $visitor "visitor" (type $visitor'))
  (type $greeting' (record (field "text" string) (field "visits" u32)))
  (export $greeting "greeting" (type $greeting'))
  (func (export "greet") (param "who" $visitor) (result $greeting)
    (canon lift (core func $greeter "greet") (memory $mem) (realloc $realloc))))
