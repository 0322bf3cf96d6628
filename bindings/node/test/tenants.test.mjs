// Tenants of one snapshot: none finds anything of another, and none draws another's random numbers.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'

import { Guest, Sandbox, SandboxPool } from 'libhyperlight'

const guest = Guest.builtin('demo')
const KIB = 1 << 10
const SIZES = { heapSize: 512 * KIB, stackSize: 64 * KIB, inputSize: 64 * KIB, outputSize: 64 * KIB }

/** All that the guest can write. */
function contents(sandbox) {
  const parts = []
  for (const span of ['heap', 'stack', 'input', 'output', 'log_ring']) {
    const end = sandbox.callSync('AddressOf', `${span}_end`)
    for (let at = sandbox.callSync('AddressOf', span); at < end; at += BigInt(32 * KIB)) {
      parts.push(sandbox.callSync('ReadMemory', at, Math.min(32 * KIB, Number(end - at))))
    }
  }
  return Buffer.concat(parts)
}

/** What one tenant leaves wherever it can. */
class Secret {
  bytes = randomBytes(32)
  text = randomBytes(32).toString('hex')

  plant(sandbox) {
    sandbox.callSync('AddToStatic', 1)
    sandbox.callSync('EchoBytes', Buffer.concat(Array(100).fill(this.bytes)))
    sandbox.callSync('Echo', this.text.repeat(100))
    sandbox.callSync('LogMessage', this.text, 3)
    for (const span of ['heap', 'stack']) {
      const middle = (sandbox.callSync('AddressOf', span) + sandbox.callSync('AddressOf', `${span}_end`)) / 2n
      sandbox.callSync('WriteMemory', middle, this.bytes)
    }
  }

  isIn(sandbox) {
    const found = contents(sandbox)
    return found.includes(this.bytes) || found.includes(this.text)
  }
}

/** How a tenant's last call ends. */
const ENDINGS = {
  'ended well': () => {},
  panicked: (sandbox, { text }) => assert.throws(() => sandbox.callSync('Panic', text), { code: 'ERR_HL_GUEST_ABORT' }),
  'was stopped': (sandbox) => assert.throws(() => sandbox.callSync('Spin', { timeoutMs: 20 }), { code: 'ERR_HL_TIMEOUT' }),
}

async function fresh() {
  const sandbox = new Sandbox(guest, SIZES)
  await sandbox.evolve()
  return { sandbox, snapshot: await sandbox.snapshot() }
}

for (const [how, end] of Object.entries(ENDINGS)) {
  test(`after a restore nothing is left of one that ${how}`, async () => {
    const { sandbox, snapshot } = await fresh()
    const secret = new Secret()
    secret.plant(sandbox)
    // Or the rest would show nothing.
    assert.ok(secret.isIn(sandbox))
    end(sandbox, secret)
    await sandbox.restore(snapshot)
    assert.ok(!secret.isIn(sandbox))
    assert.equal(sandbox.callSync('GetStatic'), 0)
    sandbox.close()
  })

  test(`the next user of a pool's member finds nothing of one that ${how}`, async () => {
    const { sandbox, snapshot } = await fresh()
    sandbox.close()
    const pool = new SandboxPool(snapshot, { size: 1 })
    const secret = new Secret()
    const first = await pool.acquire()
    secret.plant(first)
    end(first, secret)
    first.close()
    const next = await pool.acquire()
    assert.ok(!secret.isIn(next))
    assert.equal(next.callSync('GetStatic'), 0)
    assert.equal(pool.statistics.created, 1)
    next.close()
    pool.close()
  })
}

test('clones do not see each other', async () => {
  const { sandbox, snapshot } = await fresh()
  sandbox.close()
  const clones = Array.from({ length: 8 }, () => new Sandbox(snapshot))
  const tenants = clones.map(() => new Secret())
  for (const [index, secret] of tenants.entries()) secret.plant(clones[index])
  clones.forEach((clone, index) => {
    assert.deepEqual(tenants.map((secret) => secret.isIn(clone)), tenants.map((_, other) => other === index))
    assert.equal(clone.callSync('GetStatic'), 1)
    clone.close()
  })
  // Nor does the snapshot.
  const another = new Sandbox(snapshot)
  assert.ok(!tenants.some((secret) => secret.isIn(another)))
  another.close()
})

test('random numbers differ after each restore, and in each clone and member', async () => {
  const { sandbox, snapshot: untouched } = await fresh()
  const draw = (from) => Buffer.from(from.callSync('RandomBytes', 16)).toString('hex')
  const drawn = [draw(sandbox)]
  // Also where the guest's generator has been used.
  for (const snapshot of [untouched, await sandbox.snapshot()]) {
    for (let round = 0; round < 50; round += 1) {
      await sandbox.restore(snapshot)
      drawn.push(draw(sandbox), draw(sandbox))
    }
    for (let round = 0; round < 20; round += 1) {
      const clone = new Sandbox(snapshot)
      drawn.push(draw(clone))
      clone.close()
    }
    const pool = new SandboxPool(snapshot, { size: 2 })
    for (let round = 0; round < 20; round += 1) drawn.push(Buffer.from(await pool.call('RandomBytes', 16)).toString('hex'))
    pool.close()
  }
  assert.equal(drawn.length, 1 + 2 * (100 + 20 + 20))
  assert.equal(new Set(drawn).size, drawn.length)
  sandbox.close()
})
