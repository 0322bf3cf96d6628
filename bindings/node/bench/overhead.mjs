// What a call from Node costs on top of the same call from Rust. Prints the rows of `make bench`, and adds them to the
// files table.md and table.json of a folder.
//
//   node bindings/node/bench/overhead.mjs [--into=FOLDER] [--rust=PROGRAM]
//
// The Rust calls are made by bench/rust (an own process, alternating with ours): both sides call `NoOp` and `Echo` of the
// demo guest in short rounds, and of many rounds the quarter that was disturbed least counts.

import { spawn } from 'node:child_process'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { Guest, Sandbox } from 'libhyperlight'

const ROUNDS = 200
const CALLS = 100
const quiet = (values) => values.sort((a, b) => a - b)[values.length >> 2]
const each = (begun, calls) => Number(process.hrtime.bigint() - begun) / 1000 / calls

const option = (name) => process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3)
const program = option('rust') ??
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
    { metric: `Node callSync of ${name}`, added: quiet(found.sync) - floor, call: quiet(found.sync), floor, must: 4, want: 2 },
    { metric: `Node call of ${name}`, added: quiet(found.async) - floor, call: quiet(found.async), floor, must: 60, want: 30 },
  )
}
rust.stdin.end()
sandbox.close()

const us = (number) => `${number.toFixed(1)} µs`
const table = [
  '| metric | added p50 | call p50 | Rust call p50 | must | want | holds |',
  '|---|---|---|---|---|---|---|',
  ...rows.map((row) =>
    `| ${row.metric} | ${us(row.added)} | ${us(row.call)} | ${us(row.floor)} | ≤ ${row.must} µs | ≤ ${row.want} µs | ${row.added <= row.must ? 'yes' : 'NO'} |`),
].join('\n')
console.log(table)
const folder = option('into')
if (folder !== undefined) {
  appendFileSync(`${folder}/table.md`, `\n${table}\n`)
  const file = `${folder}/table.json`
  const measured = rows.map(({ metric, added, call, floor, must, want }) => ({
    metric,
    ours_p50_ns: call * 1000,
    floor: 'the call from Rust',
    floor_p50_ns: floor * 1000,
    added_ns: added * 1000,
    must_added_ns: must * 1000,
    want_added_ns: want * 1000,
    holds: added <= must,
  }))
  writeFileSync(file, `${JSON.stringify([...JSON.parse(readFileSync(file, 'utf8')), ...measured], null, 2)}\n`)
}
