'use strict'
// Runs every function call behind its own hypervisor wall. See ../README.md and ../index.d.ts.

const { HyperlightError } = require('./errors.cjs')
const { unwrap } = require('./failures.cjs')
const { Guest } = require('./guest.cjs')
const { JavaScript, JavaScriptPool } = require('./javascript.cjs')
const native = require('./native.cjs')
const { SandboxPool } = require('./pool.cjs')
const { Sandbox } = require('./sandbox.cjs')
const { Snapshot } = require('./snapshot.cjs')
const { Wasm, WasmMemory, WasmPool, WasmProgram } = require('./wasm.cjs')
const { version } = require('../package.json')

function probe() {
  unwrap(native.probe())
}

// One by one, so that `import { … }` finds the names.
exports.Guest = Guest
exports.HyperlightError = HyperlightError
exports.JavaScript = JavaScript
exports.JavaScriptPool = JavaScriptPool
exports.Sandbox = Sandbox
exports.SandboxPool = SandboxPool
exports.Snapshot = Snapshot
exports.Wasm = Wasm
exports.WasmMemory = WasmMemory
exports.WasmPool = WasmPool
exports.WasmProgram = WasmProgram
exports.probe = probe
exports.version = version
