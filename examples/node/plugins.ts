// Tenants' plug-ins: each call gets a pristine sandbox from a pool, and as much time as it deserves.

import { Guest, HyperlightError, Sandbox, SandboxPool } from 'libhyperlight'

interface Plugin {
  readonly tenant: string
  readonly call: readonly [name: string, ...values: (number | bigint | string)[]]
}

const plugins: Plugin[] = [
  { tenant: 'good', call: ['Fibonacci', 20] },
  { tenant: 'greedy', call: ['Spin'] },
  { tenant: 'clumsy', call: ['ReadAddress', 0n] },
  { tenant: 'tidy', call: ['AddToStatic', 1] },
  { tenant: 'tidy again', call: ['AddToStatic', 1] },
]

// Warm one sandbox up, and keep copies of it ready.
const sandbox = new Sandbox(Guest.builtin('demo'))
await sandbox.evolve()
const pool = new SandboxPool(await sandbox.snapshot(), { size: 4, timeoutMs: 100, acquireTimeoutMs: 5000 })
sandbox.close()

async function run({ tenant, call: [name, ...values] }: Plugin): Promise<string> {
  try {
    return `${tenant}: ${await pool.call<number | bigint>(name, ...values)}`
  } catch (error) {
    if (error instanceof HyperlightError) return `${tenant}: ${error.code}`
    throw error
  }
}

for (const line of await Promise.all(plugins.map(run))) console.log(line)
pool.close()
