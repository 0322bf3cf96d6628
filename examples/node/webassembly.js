// WebAssembly: a program in C, compiled by clang (the line is in programs/rule.c), with its imports and its memory.

import { Wasm } from 'hyperlight'

const stock = [0, 10, 20]
const rule = await Wasm.compile(new URL('programs/rule.wasm', import.meta.url), {
  timeoutMs: 200,
  // The signature is that of the import.
  hostFunctions: { stock: (item) => stock[item] },
})

for (const { signature } of rule.functions) console.log(signature)

console.log('2 of item 1:', await rule.call('price', 1, 2))
console.log('11 of item 1:', rule.callSync('price', 1, 11))

// Its memory.
const memory = rule.memory()
const at = await rule.call('buffer')
await memory.write(at, Buffer.from('hello'))
await rule.call('shout', 5)
console.log(Buffer.from(await memory.read(at, 5)).toString())

// What it does wrong is an error, and no more.
try {
  await rule.call('crash', 1 << 30)
} catch (error) {
  console.log(error.code, rule.state)
}

// A pool works as with scripts.
const pool = await rule.pool({ size: 2 })
console.log((await Promise.all([1, 2, 3].map((quantity) => pool.call('price', 2, quantity)))).join(' '))
pool.close()
rule.close()
