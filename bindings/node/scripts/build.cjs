'use strict'
// Builds what the package carries, by cargo, and puts it where the loader looks: the addon, the compiler of WebAssembly
// that it loads when it is first wanted, and the licences of all that is in them. In an installed package, which holds
// them, there is nothing to build.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..')
const checkout = path.join(root, '..', '..')

function fail(...lines) {
  for (const line of lines) console.error(line)
  process.exit(1)
}

function run(program, args, cwd, mend) {
  const { error, status } = spawnSync(program, args, { cwd, stdio: 'inherit' })
  if (error) fail(`${program} cannot be run (${error.message}): ${mend}`)
  if (status !== 0) process.exit(status ?? 1)
}

/** Builds a package in a target directory of the checkout, and returns what is made of it. */
function cargo(name, built, target) {
  const args = ['build', '--release', '--locked', '--quiet', '--package', name, '--target-dir', target]
  run('cargo', args, checkout, 'install Rust 1.95 or later from https://rustup.rs')
  return path.resolve(checkout, target, 'release', built)
}

/** Copies a library without its debug information. */
function strip(from, to) {
  run('strip', ['--strip-unneeded', '-o', to, from], root, 'install binutils')
}

/** Beside it first: a process that has the old one loaded keeps it. */
function put(name, write) {
  const to = path.join(root, name)
  write(`${to}.new`)
  fs.renameSync(`${to}.new`, to)
}

if (process.platform !== 'linux' || process.arch !== 'x64') {
  fail(`libhyperlight runs on x86-64 Linux with KVM; this is ${process.platform}-${process.arch}`)
}

const addon = cargo('libhyperlight-node', 'libhyperlight_node.so', process.env.CARGO_TARGET_DIR ?? 'target')
put('libhyperlight.linux-x64-gnu.node', (to) => strip(addon, to))

// The packages of all languages share one build: see bindings/python/build/compiler.rs.
const compiler = cargo('libhyperlight-wasm-library', 'libhyperlight_wasm_library.so', 'target/compiler')
put('libhyperlight_wasm.so', (to) => strip(compiler, to))

put('LICENSES-THIRD-PARTY', (to) => fs.copyFileSync(path.join(checkout, 'LICENSES-THIRD-PARTY'), to))
