// A WebAssembly component: its records are objects, and its imports are host functions.

import { Wasm } from 'libhyperlight'

const shop = await Wasm.compile(new URL('../programs/shop.wasm', import.meta.url), {
  timeoutMs: 200,
  hostFunctions: { log: (text) => console.log('it says:', text) },
})

console.log(shop.functions.map(({ signature }) => signature).join('\n'))
console.log(await shop.call('total', [[{ name: 'tea', price: 3, count: 2 }, { name: 'cake', price: 4.5, count: 1 }]]))
console.log(await shop.call('total', [[]]))

// Values are held to their types.
try {
  await shop.call('total', [[{ name: 'tea', price: 3, count: 'two' }]])
} catch (error) {
  console.log(error.code, error.message)
}
shop.close()
