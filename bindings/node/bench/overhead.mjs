// What a call from Node costs on top of the same call from Rust. Prints the rows of `make bench`, as JSON with --json.
//
//   node bindings/node/bench/overhead.mjs [--json] [--rust=PROGRAM]
//
// The Rust calls are made by bench/rust (an own process, alternating with ours): both sides call `NoOp` and `Echo` of the
// demo guest in short rounds, and of many rounds the quarter that was disturbed least counts.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { Guest, Sandbox } from 'hyperlight'

const ROUNDS = 200
const CALLS = 100
const quiet = (values) => values.sort((a, b) => a - b)[values.length >> 2]
const each = (begun, calls) => Number(process.hrtime.bigint() - begun) / 1000 / calls

const program = process.argv.find((argument) => argument.startsWith('--rust='))?.slice('--rust='.length) ??
  fileURLToPath(new URL('../target/release/examples/overhead', import.meta.url))
const rust = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
rust.on('error', (error) => {
  console.error(`${program} cannot be run: ${error.message}; run: cargo build --release --example overhead`)
  process.exit(1)
})
const lines = createInterface({ input: rust.stdout })[Symbol.asyncIterator]()
async function inRust(name, calls) {
  rust.stdin.write(`${name} ${calls}\n`)
  return Number((await lines.next()).value)
}

const sandbox = new Sandbox(Guest.builtin('demo'))
await sandbox.evolve()
const text = 'sixteen bytes ok'
const calls = {
  NoOp: { sync: () => sandbox.callSync('NoOp'), async: () => sandbox.call('NoOp') },
  Echo: { sync: () => sandbox.callSync('Echo', text), async: () => sandbox.call('Echo', text) },
}
const rows = []
for (const [name, { sync, async }] of Object.entries(calls)) {
  const found = { rust: [], sync: [], async: [] }
  for (let round = 0; round < ROUNDS; round += 1) {
    found.rust.push(await inRust(name, CALLS))
    let begun = process.hrtime.bigint()
    for (let call = 0; call < CALLS; call += 1) sync()
    found.sync.push(each(begun, CALLS))
    begun = process.hrtime.bigint()
    for (let call = 0; call < CALLS; call += 1) await async()
    found.async.push(each(begun, CALLS))
  }
  const floor = quiet(found.rust)
  rows.push(
    { metric: `Node callSync ${name}, over the Rust call`, us: quiet(found.sync) - floor, call_us: quiet(found.sync), floor_us: floor, target_us: 4, wanted_us: 2 },
    { metric: `Node call ${name}, over the Rust call`, us: quiet(found.async) - floor, call_us: quiet(found.async), floor_us: floor, target_us: 60, wanted_us: 30 },
  )
}
rust.stdin.end()
sandbox.close()

if (process.argv.includes('--json')) {
  console.log(JSON.stringify(rows, null, 2))
} else {
  console.log('| metric | overhead | call | Rust call | target | we want |\n|---|---|---|---|---|---|')
  for (const row of rows) {
    const us = (number) => `${number.toFixed(1)} µs`
    console.log(`| ${row.metric} | ${us(row.us)} | ${us(row.call_us)} | ${us(row.floor_us)} | ≤ ${row.target_us} µs | ≤ ${row.wanted_us} µs |`)
  }
}
