;; A component, written by hand: `wasm-tools parse shop.wat -o shop.wasm`. Other languages' tools make such ones of ordinary
;; programs. It imports a function, and exports one that takes a list of records.
(component
  (import "log" (func $log (param "text" string)))
  (core module $memory
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (local.get $at))
    (func (export "free") (param i32) (global.set $next (i32.const 1024)))
  )
  (core instance $heap (instantiate $memory))
  (alias core export $heap "memory" (core memory $mem))
  (alias core export $heap "realloc" (core func $realloc))
  (alias core export $heap "free" (core func $free))
  (core func $log-core (canon lower (func $log) (memory $mem)))
  (core module $shop
    (import "host" "log" (func $log (param i32 i32)))
    (import "heap" "memory" (memory 1))
    (data (i32.const 16) "adding up")
    ;; An item lies in 24 bytes: its name's address and length, its price, its count. The answer is at 0.
    (func (export "total") (param $items i32) (param $count i32) (result i32)
      (local $sum f64)
      (call $log (i32.const 16) (i32.const 9))
      (block $done
        (loop $next
          (br_if $done (i32.eqz (local.get $count)))
          (local.set $sum (f64.add (local.get $sum) (f64.mul
            (f64.load offset=8 (local.get $items))
            (f64.convert_i32_u (i32.load offset=16 (local.get $items))))))
          (local.set $items (i32.add (local.get $items) (i32.const 24)))
          (local.set $count (i32.sub (local.get $count) (i32.const 1)))
          (br $next)))
      ;; none if there is nothing to pay
      (i32.store8 (i32.const 0) (f64.gt (local.get $sum) (f64.const 0)))
      (f64.store (i32.const 8) (local.get $sum))
      (i32.const 0))
  )
  (core instance $i (instantiate $shop
    (with "host" (instance (export "log" (func $log-core))))
    (with "heap" (instance $heap))))
  (type $item' (record (field "name" string) (field "price" f64) (field "count" u32)))
  (export $item "item" (type $item'))
  (func (export "total") (param "items" (list $item)) (result (option f64))
    (canon lift (core func $i "total") (memory $mem) (realloc $realloc) (post-return $free)))
)
