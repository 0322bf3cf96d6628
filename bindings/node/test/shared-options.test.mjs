// Values of options and what is said of them: the cases of tests/options, which every language replays.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'

import { Guest, JavaScript, Sandbox, SandboxPool, Snapshot, Wasm } from 'libhyperlight'

const WORDS = { text: 'text', true: true, nan: NaN, half: 1.5, nothing: [] }
const TIMES = ['timeout', 'cpu_time', 'acquire_timeout', 'compile_timeout']
const EMPTY = Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])

const guest = Guest.builtin('demo')
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'libhyperlight-options-'))
after(() => fs.rmSync(directory, { recursive: true }))
const file = path.join(directory, 'x.hls')
const sandbox = new Sandbox(guest)
await sandbox.evolve()
const snapshot = await sandbox.snapshot()
await snapshot.save(file)
sandbox.close()

function spelled(option) {
  if (option === 'max') return 'size'
  return option.replace(/_(.)/g, (_, letter) => letter.toUpperCase()) + (TIMES.includes(option) ? 'Ms' : '')
}

function givenOf(option, value) {
  if (Object.hasOwn(WORDS, value)) return WORDS[value]
  if (!TIMES.includes(option)) return Number(value)
  return value === String(2n ** 64n - 1n) ? Infinity : Number(value) / 1e6
}

async function use(of, options) {
  if (of === 'sandbox') new Sandbox(guest, options).close()
  else if (of === 'pool') new SandboxPool(snapshot, options).close()
  else if (of === 'load') Snapshot.load(file, options)
  else if (of === 'compile') new Wasm(EMPTY, options).close()
  else {
    const spinning = new Sandbox(guest)
    try {
      await spinning.call('Spin', options)
    } finally {
      spinning.close()
    }
  }
}

const code = (name) => `ERR_HL_${name.replace(/(?<=.)[A-Z]/g, '_$&').toUpperCase()}`

for (const line of fs.readFileSync(path.join(import.meta.dirname, 'options', 'cases.tsv'), 'utf8').trim().split('\n')) {
  if (line.startsWith('#')) continue
  const [of, option, value, , , answer] = line.split('\t')
  test(`${of} ${option} ${value}`, async () => {
    const attempt = use(of, { [spelled(option)]: givenOf(option, value) })
    if (answer === 'ok') return attempt
    const [name, ...text] = answer.split(':')
    await assert.rejects(attempt, (error) => {
      assert.equal(error.code, code(name))
      assert.ok(error.message.includes(text.join(':')), error.message)
      return true
    })
  })
}

test('an unknown option is told which one is meant', async () => {
  const invalid = (message) => ({ code: 'ERR_HL_INVALID_ARGUMENT', message })
  assert.throws(() => new Sandbox(guest, { heapsize: 1 }), invalid(/^a sandbox has no option "heapsize", but heapSize; there are heapSize, .*, print$/))
  assert.throws(() => new Sandbox(guest, { timeout: 1 }), invalid(/"timeout", but timeoutMs;/))
  assert.throws(() => new Sandbox(guest, { memory: 1 }), invalid(/"memory"; there are heapSize/))
  assert.throws(() => new SandboxPool(snapshot, { max: 1 }), invalid(/"max", but size;/))
  assert.throws(() => new JavaScript('', { moduels: {} }), invalid(/"moduels", but modules;/))
  assert.throws(() => Snapshot.load(file, { maxsize: 1 }), invalid(/"maxsize", but maxSize; there are maxSize, maxHeapSize$/))
})
