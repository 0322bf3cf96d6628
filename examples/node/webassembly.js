// WebAssembly: a program in C, compiled by clang, and one in Rust. How they are made: ../programs/README.md.

import { Wasm } from 'libhyperlight'

const program = (name) => new URL(`../programs/${name}.wasm`, import.meta.url)

const rule = await Wasm.compile(program('rule'), {
  timeoutMs: 200,
  // The signature is that of the import.
  hostFunctions: { stock: (item) => 10 * item },
})
for (const { signature } of rule.functions) console.log(signature)
console.log('2 of item 1:', await rule.call('price', [1, 2]))
console.log('11 of item 1:', rule.callSync('price', [1, 11]))

// Its fault is an error, and nothing else is harmed.
try {
  await rule.call('crash', [1 << 30])
} catch (error) {
  console.log(error.code, rule.state)
}

// A pool works as with scripts.
const pool = await rule.pool({ size: 2 })
console.log((await Promise.all([1, 2, 3].map((quantity) => pool.call('price', [2, quantity])))).join(' '))
pool.close()
rule.close()

// From Rust: texts, passed through its memory.
const words = await Wasm.compile(program('words'), { timeoutMs: 200 })
const memory = words.memory()
const text = Buffer.from('the wall the guest the host')
const at = await words.call('room', [text.length])
await memory.write(at, text)
const index = await words.call('index', [at, text.length])
console.log(Buffer.from(await memory.read(Number(index & 0xffffffffn), Number(index >> 32n))).toString())
words.close()
