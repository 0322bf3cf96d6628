;; Its start never ends.
(module
  (func $spin (loop br 0))
  (start $spin)
  (memory (export "memory") 1)
  (func (export "f"))
  (func (export "_start")))
