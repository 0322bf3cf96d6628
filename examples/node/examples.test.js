// Runs the examples as a reader would.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { promisify } from 'node:util'

const directory = new URL('.', import.meta.url)
const node = async (...args) => (await promisify(execFile)(process.execPath, args, { cwd: directory })).stdout

test('hello', async () => {
  assert.equal(await node('hello.js'), 'Hello, World! I am executing inside of a VM :)\n2 + 3 = 5\n')
})

test('host functions', async () => {
  assert.equal(await node('host_functions.js'),
    'the guest says: hello\n2 + 3 = 5\ntrue ERR_HL_STATE\ntrue come back tomorrow\nready\n')
})

test('plug-ins', async () => {
  await node('node_modules/typescript/bin/tsc')
  assert.equal(await node('build/plugins.js'),
    'good: 6765\ngreedy: ERR_HL_TIMEOUT\nclumsy: ERR_HL_GUEST_FAULT\ntidy: 1\ntidy again: 1\n')
})

test('javascript', async () => {
  const order = (id) => `tenant: order ${id} of 2 items\n{ total: 12n, discount: 1n, seen: 1 }\n`
  assert.equal(await node('javascript.js'), `${order(1)}${order(2)}true ERR_HL_TIMEOUT\ntrue unicorn\n`)
})

test('webassembly', async () => {
  assert.equal(await node('webassembly.js'), [
    'price(i32, i32) -> f64', 'crash(i32) -> i32', '2 of item 1: 5', '11 of item 1: -1', 'ERR_HL_GUEST_ERROR ready', '5 10 15',
    'guest host the wall', ''].join('\n'))
})

test('component', async () => {
  assert.equal(await node('component.js'), [
    'total(items: list<record { name: string, price: f64, count: u32 }>) -> option<f64>', 'it says: adding up', '10.5', 'it says: adding up', 'null',
    'ERR_HL_SIGNATURE argument 1 of `total`[0].count must be a whole number (u32), not "two"', ''].join('\n'))
})

test('a program of an npm package', async () => {
  assert.equal(await node('source_map.js'), '0 from 0, 1 from 1, 2 from 3\nnull\n0 from 5, 1 from 1\n')
})

test('service', async (context) => {
  const service = spawn(process.execPath, ['service.js', '0'], { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] })
  context.after(() => service.kill('SIGKILL'))
  const [, address] = String((await once(service.stdout, 'data'))[0]).match(/listening on (\S+)/)
  const requests = Array.from({ length: 50 }, (_, index) => fetch(`${address}/fibonacci/${index % 20}`))
  for (const response of await Promise.all(requests)) assert.equal(response.status, 200)
  assert.deepEqual(await (await fetch(`${address}/fibonacci/20`)).json(), { result: '6765' })
  assert.equal(await (await fetch(`${address}/echo`, { method: 'POST', body: 'hi' })).text(), 'hi')
  assert.equal((await fetch(`${address}/fibonacci/x`)).status, 400)
  const slow = await fetch(`${address}/fibonacci/60`)
  assert.deepEqual([slow.status, (await slow.json()).code], [504, 'ERR_HL_TIMEOUT'])
  service.kill('SIGTERM')
  const [code] = await once(service, 'exit')
  assert.equal(code, 0)
})
