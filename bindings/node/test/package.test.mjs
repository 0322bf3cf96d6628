// The package: what is in it, how it is loaded, what its loader says elsewhere, and its types.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { test } from 'node:test'

import * as esm from 'libhyperlight'

const require = createRequire(import.meta.url)
const cjs = require('libhyperlight')
const directory = path.dirname(require.resolve('libhyperlight/package.json'))
const { load } = require(path.join(directory, 'lib', 'loader.cjs'))

test('ESM and CommonJS have the same names, and they are the same objects', () => {
  assert.deepEqual(Object.keys(esm).sort(), Object.keys(cjs).sort())
  for (const name of Object.keys(cjs)) assert.equal(esm[name], cjs[name])
  assert.equal(cjs.version, require('libhyperlight/package.json').version)
})

test('the package is installed, not linked, and has what it needs and nothing else', () => {
  assert.equal(fs.lstatSync(path.join(import.meta.dirname, 'node_modules', 'libhyperlight')).isSymbolicLink(), false)
  const files = fs.readdirSync(directory).sort()
  assert.deepEqual(files, ['LICENSE', 'LICENSES-THIRD-PARTY', 'README.md', 'index.d.mts', 'index.d.ts', 'lib', 'libhyperlight.linux-x64-gnu.node',
    'libhyperlight_wasm.so', 'options.d.ts', 'package.json'])
})

test('the binaries are stripped and small, and the tarball is', () => {
  const { size } = fs.statSync(path.join(directory, 'libhyperlight.linux-x64-gnu.node'))
  assert.ok(size <= 13 << 18, `${size} bytes`)
  for (const name of ['libhyperlight.linux-x64-gnu.node', 'libhyperlight_wasm.so']) {
    assert.equal(execFileSync('readelf', ['--sections', '--wide', path.join(directory, name)], { encoding: 'utf8' }).match(/\.symtab|\.debug_\w+/), null, name)
  }
  const [tarball] = fs.readdirSync(path.join(import.meta.dirname, '..')).filter((name) => name.endsWith('.tgz'))
  const packed = fs.statSync(path.join(import.meta.dirname, '..', tarball)).size
  assert.ok(packed <= 15e6, `${packed} bytes`)
})

test('the licences of what the binaries contain are there, with their texts', () => {
  const text = fs.readFileSync(path.join(directory, 'LICENSES-THIRD-PARTY'), 'utf8')
  for (const name of ['napi', 'kvm-ioctls', 'rquickjs-sys', 'wasmtime', 'cranelift-codegen']) assert.match(text, new RegExp(`^${name} [0-9.]+[^:]*: \\S.* \\[[0-9, ]+\\]`, 'm'))
  const works = text.split('\n====')[0].split('\n\n')[1].split('\n').filter(Boolean)
  assert.ok(works.length > 100)
  for (const work of works) {
    const numbers = /^[^:]+ [0-9.]+[^:]*: \S.* \[(\d+(, \d+)*)\]( {2}\S+)?$/.exec(work)?.[1].split(', ')
    assert.ok(numbers?.every((number) => text.includes(`\n[${number}]\n\n`)), work)
  }
  for (const words of [/UNICODE LICENSE V3/, /Fabrice Bellard/, /QuickJS|quickjs/i, /Apache License/, /LLVM[- ]exception/i]) assert.match(text, words)
})

test('without its compiler the package says so, and does everything else', (context) => {
  const copy = fs.mkdtempSync(path.join(import.meta.dirname, 'copy-'))
  context.after(() => fs.rmSync(copy, { recursive: true }))
  fs.cpSync(directory, copy, { recursive: true })
  fs.writeFileSync(path.join(copy, 'libhyperlight_wasm.so'), 'junk')
  const { JavaScript, Wasm } = require(copy)
  assert.throws(() => new Wasm(Buffer.from('x')), { code: 'ERR_HL_IO', message: /libhyperlight_wasm\.so cannot be loaded.*install libhyperlight again/s })
  const js = new JavaScript('')
  assert.equal(js.evalSync('1 + 1'), 2)
  js.close()
})

/** A process of another platform. */
function host({ platform = 'linux', arch = 'x64', libc = 'gnu', found = {} }) {
  return {
    platform, arch, directory: '/nowhere',
    report: () => ({ header: libc === 'gnu' ? { glibcVersionRuntime: '2.36' } : {} }),
    require(place) {
      if (place in found) {
        if (found[place] instanceof Error) throw found[place]
        return found[place]
      }
      throw Object.assign(new Error(`Cannot find module '${place}'`), { code: 'MODULE_NOT_FOUND' })
    },
  }
}

test('the loader says platform, architecture, C library and the mend', () => {
  const says = (where, ...patterns) => assert.throws(() => load(host(where)), (error) => {
    assert.equal(error.code, 'ERR_HL_ADDON')
    for (const pattern of patterns) assert.match(error.message, pattern)
    return true
  })
  says({ platform: 'darwin', arch: 'arm64' }, /darwin-arm64/, /binaries for linux-x64-gnu/)
  says({ arch: 'arm64' }, /linux-arm64-gnu/, /architecture arm64/, /C library gnu/)
  says({ libc: 'musl' }, /linux-x64-musl/, /C library musl/, /glibc/)
  says({}, /linux-x64-gnu/, /libhyperlight\.linux-x64-gnu\.node and libhyperlight-linux-x64-gnu/, /npm run build/, /npm install/)
  says({ found: { '/nowhere/libhyperlight.linux-x64-gnu.node': new Error('version `GLIBC_2.38\' not found') } }, /GLIBC_2.38/, /npm install/)
})

test('the loader takes the addon beside it, else that of the platform\'s package', () => {
  assert.equal(load(host({ found: { '/nowhere/libhyperlight.linux-x64-gnu.node': 1, 'libhyperlight-linux-x64-gnu': 2 } })), 1)
  assert.equal(load(host({ found: { 'libhyperlight-linux-x64-gnu': 2 } })), 2)
})

/** Runs the compiler of types, which must have nothing to say. */
function compiles(project) {
  const tsc = require.resolve('typescript/package.json')
  const run = spawnSync(process.execPath, [path.join(path.dirname(tsc), require(tsc).bin.tsc), '--project', project], { cwd: import.meta.dirname, encoding: 'utf8' })
  assert.equal(run.stdout + run.stderr, '')
  assert.equal(run.status, 0)
}

test('the types are right, from CommonJS and from modules', () => compiles('types'))

test('the types have the names that are there, and as many parameters', (context) => {
  const folder = fs.mkdtempSync(path.join(import.meta.dirname, 'agree-'))
  context.after(() => fs.rmSync(folder, { recursive: true }))
  fs.writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../types/tsconfig.json', include: ['*.mts'] }))
  fs.writeFileSync(path.join(folder, 'agree.mts'), agreement())
  compiles(folder)
})

/** A program that compiles if the types say of every class what is there. */
function agreement() {
  const lines = ["import * as hl from 'libhyperlight'",
    'type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : { missing: Exclude<B, A> }) : { extra: Exclude<A, B> }',
    'type Takes<F, N> = F extends (...values: infer A) => unknown ? (N extends A["length"] ? true : A["length"]) : never',
    'const names: unknown[] = []',
    `names.push(true satisfies Same<keyof typeof hl, ${union(Object.keys(esm))}>)`]
  const parameters = (type, owner, name) => {
    const { value } = Object.getOwnPropertyDescriptor(owner, name)
    if (typeof value === 'function') lines.push(`names.push(true satisfies Takes<${type}[${named(name)}], ${value.length}>)`)
  }
  for (const [name, found] of Object.entries(esm)) {
    if (typeof found !== 'function') continue
    if (found.prototype === undefined || Object.getOwnPropertyDescriptor(found, 'prototype').writable) {
      lines.push(`names.push(true satisfies Takes<typeof hl.${name}, ${found.length}>)`)
      continue
    }
    const statics = Object.getOwnPropertyNames(found).filter((key) => !['length', 'name', 'prototype'].includes(key))
    for (const key of statics) parameters(`(typeof hl.${name})`, found, key)
    // What an error has, it has from elsewhere.
    if (found.prototype instanceof Error) continue
    lines.push(`names.push(true satisfies Same<keyof typeof hl.${name}, ${union(['prototype', ...statics])}>)`)
    const members = []
    for (let owner = found.prototype; owner !== Object.prototype; owner = Object.getPrototypeOf(owner)) {
      for (const key of Reflect.ownKeys(owner)) {
        if (key === 'constructor' || key === Symbol.toStringTag || key === Symbol.for('nodejs.util.inspect.custom') || members.includes(key)) continue
        members.push(key)
        parameters(`hl.${name}`, owner, key)
      }
    }
    lines.push(`names.push(true satisfies Same<keyof hl.${name}, ${union(members)}>)`)
  }
  return lines.join('\n')
}

const named = (key) => (key === Symbol.dispose ? 'typeof Symbol.dispose' : key === Symbol.asyncDispose ? 'typeof Symbol.asyncDispose' : JSON.stringify(key))
const union = (keys) => keys.map(named).join(' | ')

test('the types of the native half are those that the macros write, and lib keeps to them', async () => {
  const written = fs.readFileSync(new URL('native.d.cts', import.meta.url), 'utf8')
  assert.equal(fs.readFileSync(path.join(directory, 'lib', 'native.d.cts'), 'utf8'), written,
    'bindings/node/lib/native.d.cts is not what scripts/types.mjs writes: copy build/test-node/tests/native.d.cts over it')
  compiles('lib')
})

test('every code of the contract is in the types', () => {
  const types = fs.readFileSync(path.join(directory, 'index.d.ts'), 'utf8')
  const codes = fs.readFileSync(new URL('codes', import.meta.url), 'utf8').trim().split('\n')
  assert.ok(codes.length > 20)
  for (const code of codes) assert.ok(types.includes(`'${code.replace('HL_ERR_', 'ERR_HL_')}'`), code)
})

/** The README's programs, which import the package. */
function programs() {
  const readme = fs.readFileSync(path.join(directory, 'README.md'), 'utf8')
  return Array.from(readme.matchAll(/```js\n([\s\S]*?)```/g), ([, program]) => program)
}

test('the README\'s first two examples work as they stand, as modules and from CommonJS', () => {
  for (const [program, expected] of [[programs()[0], '5\nhi\nTimeoutError\n'], [programs()[1], 'an order of 2\n{ total: 8 }\n']]) {
    const commonjs = `(async () => {\n${program.replace(/import (\{.*\}) from 'libhyperlight'/, "const $1 = require('libhyperlight')")}\n})()`
    for (const [type, source] of [['module', program], ['commonjs', commonjs]]) {
      const out = execFileSync(process.execPath, [`--input-type=${type}`, '--eval', source], { cwd: import.meta.dirname, encoding: 'utf8' })
      assert.equal(out, expected)
    }
  }
})

test('the README\'s WebAssembly example works with programs of that description', () => {
  const files = { "'filter.wasm'": 'core', "'tool.wasm'": 'command', "'large.wasm'": 'core' }
  let program = programs()[2].replace('{ log: ', "{ 'math.mul': (_a, _b) => 0, log: ").replace(', print: out', ', print: (text) => process.stdout.write(text)')
  for (const [name, own] of Object.entries(files)) program = program.replace(name, JSON.stringify(path.join(import.meta.dirname, 'programs', `${own}.wasm`)))
  program = program.replaceAll(/^(await wasm.call.*|await command.*)$/gm, 'console.log($1)').replaceAll(/\)( +\/\/.*)\)$/gm, '))$1') + '\npool.close()'
  const out = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: import.meta.dirname, encoding: 'utf8' })
  assert.equal(out, '832040n\ntool\n-v\nno file\nLANG=C\n2\n')
})
