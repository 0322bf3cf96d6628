// Untrusted JavaScript: a tenant's handler with a time limit, that may touch this process by two functions only.

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
    // Any JSON values, and bigints and bytes; may be async. The script decides how many there are where it is said so.
    log: { call: (...values) => console.log('tenant:', ...values), openArity: true },
    price: async (item) => {
      if (!prices.has(item)) throw new NotForSale(item)
      return prices.get(item)
    },
  },
})

// Serve from a pool: the script has run, and each call finds it as it was then.
const pool = await js.pool({ size: 4 })
js.close()

for (const id of [1, 2]) console.log(await pool.call('discount', [{ id, items: ['tea', 'cake'] }]))

try {
  await pool.call('greedy')
} catch (error) {
  console.log(error instanceof HyperlightError, error.code)
}

// What a host function throws comes back as it was, through the script.
try {
  await pool.call('careless', [], { signal: AbortSignal.timeout(1000) })
} catch (error) {
  console.log(error instanceof NotForSale, error.message)
}

pool.close()
