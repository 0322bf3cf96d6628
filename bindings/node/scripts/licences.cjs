'use strict'
// The licences of everything that is linked into the binaries of the package: what cargo says of each crate, and the
// texts that lie in its sources, each text once.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

/** What is carried: the manifest that builds it, and the crates that it is made of. */
const PARTS = [
  ['bindings/node/Cargo.toml', ['hyperlight-node']],
  ['Cargo.toml', ['hyperlight-wasm-module']],
  ['guest/Cargo.toml', ['demo', 'javascript', 'wasm']],
]

function metadata(manifest) {
  const args = ['metadata', '--format-version', '1', '--locked', '--filter-platform', 'x86_64-unknown-linux-gnu', '--manifest-path', manifest]
  const { error, status, stdout } = spawnSync('cargo', args, { encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'inherit'] })
  if (error || status !== 0) throw new Error(`cargo cannot say what ${manifest} is made of: ${error?.message ?? `status ${status}`}`)
  return JSON.parse(stdout)
}

/** The crates that end up in those binaries: not what builds or tests them, nor macros. */
function linked(manifest, names) {
  const { packages, resolve } = metadata(manifest)
  const byId = new Map(packages.map((found) => [found.id, found]))
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]))
  const isMacro = ({ targets }) => targets.some(({ kind }) => kind.includes('proc-macro'))
  const open = packages.filter(({ name, source }) => source === null && names.includes(name)).map(({ id }) => id)
  if (open.length !== names.length) throw new Error(`${manifest} has not all of ${names.join(', ')}`)
  const seen = new Set()
  while (open.length > 0) {
    const id = open.pop()
    if (seen.has(id) || isMacro(byId.get(id))) continue
    seen.add(id)
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) {
      if (kinds.some(({ kind }) => kind === null)) open.push(pkg)
    }
  }
  return [...seen].map((id) => byId.get(id))
}

/** The texts in a crate's sources, and in those of others that it brings along. */
function texts(folder) {
  return fs.readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(licen[cs]e|copying|copyright|notice|unlicense)([-_.].*)?$/i.test(entry.name) && !/\.(rs|py|json|toml)$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .sort()
    .map((file) => fs.readFileSync(file, 'utf8').trim())
}

/** The text of a crate that has none in its sources: that of another one with the same licence, or MIT's own. */
function otherTexts(crate, crates) {
  const isMit = /\bMIT\b/.test(crate.license ?? '')
  // MIT's names the authors, so it must be theirs.
  const sibling = crates.find(({ repository, license, manifest_path: manifest }) =>
    license === crate.license && (!isMit || repository === crate.repository) && texts(path.dirname(manifest)).length > 0)
  if (sibling !== undefined) return texts(path.dirname(sibling.manifest_path))
  if (!isMit) return []
  return [`MIT License

Copyright (c) ${crate.authors.length > 0 ? crate.authors.join(', ') : `the authors of ${crate.name}`}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR
ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`]
}

/** Its text, for the checkout in that folder. */
module.exports = (checkout) => {
  const crates = new Map()
  for (const [manifest, names] of PARTS) {
    for (const crate of linked(path.join(checkout, manifest), names)) {
      // Our own have the licence of the package.
      if (crate.source !== null) crates.set(`${crate.name} ${crate.version}`, crate)
    }
  }
  const found = new Map()
  const lines = ['The binaries of this package contain these crates, what their sources bring along, and the standard library of Rust',
    '(MIT OR Apache-2.0, https://github.com/rust-lang/rust). Numbers are those of the texts below.', '']
  for (const [name, crate] of [...crates].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const own = texts(path.dirname(crate.manifest_path))
    const numbers = (own.length > 0 ? own : otherTexts(crate, [...crates.values()])).map((text) => {
      const key = text.replaceAll(/\s+/g, ' ')
      if (!found.has(key)) found.set(key, { number: found.size + 1, text })
      return found.get(key).number
    })
    lines.push(`${name}: ${crate.license ?? crate.license_file ?? 'see its source'}${numbers.length > 0 ? ` [${[...new Set(numbers)].join(', ')}]` : ''}  ${crate.repository ?? ''}`.trimEnd())
  }
  for (const { number, text } of found.values()) lines.push('', '='.repeat(100), `[${number}]`, '', text)
  return `${lines.join('\n')}\n`
}
