// Untrusted JavaScript: a tenant's handler with a time limit, which can call two functions of this process.

import { HyperlightError, JavaScript } from 'libhyperlight'

const handler = `
  // Runs once, when the sandbox is made.
  let seen = 0

  export function discount(order) {
    seen += 1
    host.log('order', order.id, 'of', order.items.length, 'items')
    const total = order.items.reduce((sum, item) => sum + host.price(item), 0n)
    return { total, discount: total > 10n ? total / 10n : 0n, seen }
  }

  export function greedy() {
    for (;;) {}
  }

  export function careless() {
    return host.price('unicorn')
  }`

class NotForSale extends Error {}

const prices = new Map([['tea', 3n], ['cake', 9n]])
const js = new JavaScript(handler, {
  timeoutMs: 200,
  hostFunctions: {
    // Takes any JSON values, and bigints and bytes; may be async. `openArity` lets the script choose their number.
    log: { call: (...values) => console.log('tenant:', ...values), openArity: true },
    price: async (item) => {
      if (!prices.has(item)) throw new NotForSale(item)
      return prices.get(item)
    },
  },
})

// Serve from a pool: the script has run, and each call gets it in that state.
const pool = await js.pool({ size: 4 })
js.close()

for (const id of [1, 2]) console.log(await pool.call('discount', [{ id, items: ['tea', 'cake'] }]))

try {
  await pool.call('greedy')
} catch (error) {
  console.log(error instanceof HyperlightError, error.code)
}

// An exception of a host function passes through the script unchanged.
try {
  await pool.call('careless', [], { signal: AbortSignal.timeout(1000) })
} catch (error) {
  console.log(error instanceof NotForSale, error.message)
}

pool.close()
