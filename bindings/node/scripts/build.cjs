'use strict'
// Builds the addon by cargo and puts it where the loader looks. In an installed package, which holds it, there is nothing
// to build.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..')
if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.error(`hyperlight runs on x86-64 Linux with KVM; this is ${process.platform}-${process.arch}`)
  process.exit(1)
}

const cargo = spawnSync('cargo', ['build', '--release', '--locked', '--quiet'], { cwd: root, stdio: 'inherit' })
if (cargo.error) {
  console.error(`cargo cannot be run (${cargo.error.message}): install Rust 1.88 or later from https://rustup.rs`)
  process.exit(1)
}
if (cargo.status !== 0) process.exit(cargo.status ?? 1)

const target = process.env.CARGO_TARGET_DIR ? path.resolve(root, process.env.CARGO_TARGET_DIR) : path.join(root, 'target')
const addon = path.join(root, 'hyperlight.linux-x64-gnu.node')
// Beside it first: a process that has the old one loaded keeps it.
fs.copyFileSync(path.join(target, 'release', 'libhyperlight_node.so'), `${addon}.new`)
fs.renameSync(`${addon}.new`, addon)
