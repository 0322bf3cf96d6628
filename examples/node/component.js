// A WebAssembly component: its records are objects, and its imports are host functions.

import { Wasm } from 'hyperlight'

const greeter = await Wasm.compile(new URL('programs/greeter.wasm', import.meta.url), {
  timeoutMs: 200,
  hostFunctions: { log: (text) => console.log('greeting', text) },
})

console.log(greeter.functions.map(({ signature }) => signature).join('\n'))
console.log(await greeter.call('greet', { name: 'Ada', visits: 1 }))

// Values are held to their types.
try {
  await greeter.call('greet', { name: 'Ada', visits: 'many' })
} catch (error) {
  console.log(error.code, error.message)
}
greeter.close()
