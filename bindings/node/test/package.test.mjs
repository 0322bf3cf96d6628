// The package: what is in it, how it is loaded, what its loader says elsewhere, and its types.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { test } from 'node:test'

import * as esm from 'hyperlight'

const require = createRequire(import.meta.url)
const cjs = require('hyperlight')
const directory = path.dirname(require.resolve('hyperlight/package.json'))
const { load } = require(path.join(directory, 'lib', 'loader.cjs'))

test('ESM and CommonJS have the same names, and they are the same objects', () => {
  assert.deepEqual(Object.keys(esm).sort(), Object.keys(cjs).sort())
  for (const name of Object.keys(cjs)) assert.equal(esm[name], cjs[name])
  assert.equal(cjs.version, require('hyperlight/package.json').version)
})

test('the package is installed, not linked, and has what it needs and nothing else', () => {
  assert.equal(fs.lstatSync(path.join(import.meta.dirname, 'node_modules', 'hyperlight')).isSymbolicLink(), false)
  const files = fs.readdirSync(directory).sort()
  assert.deepEqual(files, ['LICENSE', 'README.md', 'hyperlight.linux-x64-gnu.node', 'index.d.mts', 'index.d.ts', 'lib', 'package.json'])
})

test('the addon is stripped, and small', () => {
  const { size } = fs.statSync(path.join(directory, 'hyperlight.linux-x64-gnu.node'))
  assert.ok(size <= 3 << 20, `${size} bytes`)
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
  says({}, /linux-x64-gnu/, /hyperlight\.linux-x64-gnu\.node and hyperlight-linux-x64-gnu/, /npm run build/, /npm install/)
  says({ found: { '/nowhere/hyperlight.linux-x64-gnu.node': new Error('version `GLIBC_2.38\' not found') } }, /GLIBC_2.38/, /npm install/)
})

test('the loader takes the addon beside it, else that of the platform\'s package', () => {
  assert.equal(load(host({ found: { '/nowhere/hyperlight.linux-x64-gnu.node': 1, 'hyperlight-linux-x64-gnu': 2 } })), 1)
  assert.equal(load(host({ found: { 'hyperlight-linux-x64-gnu': 2 } })), 2)
})

test('the types are right, from CommonJS and from modules', () => {
  const tsc = require.resolve('typescript/package.json')
  const run = spawnSync(process.execPath, [path.join(path.dirname(tsc), require(tsc).bin.tsc), '--project', 'types'], { cwd: import.meta.dirname, encoding: 'utf8' })
  assert.equal(run.stdout + run.stderr, '')
  assert.equal(run.status, 0)
})

test('every code of the contract is in the types', () => {
  const types = fs.readFileSync(path.join(directory, 'index.d.ts'), 'utf8')
  const codes = fs.readFileSync(new URL('codes', import.meta.url), 'utf8').trim().split('\n')
  assert.ok(codes.length > 20)
  for (const code of codes) assert.ok(types.includes(`'${code.replace('HL_ERR_', 'ERR_HL_')}'`), code)
})

test('the README\'s example works as it stands, as a module and from CommonJS', () => {
  const readme = fs.readFileSync(path.join(directory, 'README.md'), 'utf8')
  const [, program] = readme.match(/```js\n([\s\S]*?)```/)
  const commonjs = `(async () => {\n${program.replace(/import (\{.*\}) from 'hyperlight'/, "const $1 = require('hyperlight')")}\n})()`
  for (const [type, source] of [['module', program], ['commonjs', commonjs]]) {
    const out = execFileSync(process.execPath, [`--input-type=${type}`, '--eval', source], { cwd: import.meta.dirname, encoding: 'utf8' })
    assert.equal(out, '5\nhi\nTimeoutError\n')
  }
})
