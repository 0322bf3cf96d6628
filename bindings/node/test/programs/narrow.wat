;; A component of types that have not all values of their kinds: as an argument, as a result, and as the result of an import.
(component
  (import "ask" (func $ask (result u8)))
  (core func $ask' (canon lower (func $ask)))
  (core module $program
    (import "host" "ask" (func $ask (result i32)))
    (func (export "same") (param i32) (result i32) (local.get 0))
    (func (export "asked") (result i32) (call $ask)))
  (core instance $program (instantiate $program (with "host" (instance (export "ask" (func $ask'))))))
  (func (export "same") (param "value" u8) (result u8) (canon lift (core func $program "same")))
  (func (export "asked") (result u8) (canon lift (core func $program "asked"))))
