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

function cargo(args, cwd) {
  run('cargo', ['build', '--release', '--locked', '--quiet', ...args], cwd, 'install Rust 1.95 or later from https://rustup.rs')
  return path.join(cwd, process.env.CARGO_TARGET_DIR ?? 'target', 'release')
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

const addon = path.join(cargo([], root), 'libhyperlight_node.so')
put('libhyperlight.linux-x64-gnu.node', (to) => fs.copyFileSync(addon, to))

// In the workspace of the library, so that the packages of all languages share one build.
const compiler = path.join(cargo(['--package', 'libhyperlight-wasm-library'], checkout), 'libhyperlight_wasm_library.so')
put('libhyperlight_wasm.so', (to) => run('strip', ['--strip-unneeded', '-o', to, compiler], root, 'install binutils'))

put('LICENSES-THIRD-PARTY', (to) => fs.copyFileSync(path.join(checkout, 'LICENSES-THIRD-PARTY'), to))
