// What a call costs from Node, for a program that measures the same from Rust at the same time (bench/src/bindings.rs).
//
// Reads lines `FUNCTION COUNT` or `await:FUNCTION COUNT` from standard input, and answers each with the nanoseconds of
// every call: `callSync`, or `call` and its promise.

import { createInterface } from 'node:readline'

import { Guest, Sandbox } from '../../bindings/node/lib/index.mjs'

const ARGUMENTS = { NoOp: [], Echo: ['sixteen bytes ok'] }

const sandbox = new Sandbox(Guest.builtin('demo'))
await sandbox.evolve()
for await (const line of createInterface({ input: process.stdin })) {
  const [call, count] = line.split(' ')
  const name = call.replace('await:', '')
  const args = ARGUMENTS[name]
  const times = []
  for (let left = Number(count); left > 0; left -= 1) {
    const begun = process.hrtime.bigint()
    if (call === name) sandbox.callSync(name, ...args)
    else await sandbox.call(name, ...args)
    times.push(process.hrtime.bigint() - begun)
  }
  console.log(times.join(' '))
}
sandbox.close()
