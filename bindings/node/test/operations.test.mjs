// The scripts of tests/values/operations.txt, which every language replays: what sandboxes answer, whatever is done
// with them. Here twice: calls run on another thread, and on this one.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'

import { Guest, HyperlightError, JavaScript, Sandbox, SandboxPool } from 'libhyperlight'

const demo = Guest.builtin('demo')
/** The source `script`. */
const SCRIPT = `
let count = 0
globalThis.add = (a, b) => a + b; globalThis.next = () => count += 1; globalThis.spin = () => { for (;;) {} }
`

/** What is done, what must come of it, and what is done in the host function that it calls. */
function scripts() {
  const found = new Map()
  let steps
  for (const [index, line] of fs.readFileSync(path.join(import.meta.dirname, 'values', 'operations.txt'), 'utf8').split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('script ')) {
      found.set(line.slice('script '.length), steps = [])
      continue
    }
    const isInside = line.startsWith('| ')
    const [, done, answer = 'ok', says = ''] = /^(?:\| )?(.*?)(?: -> ([^:]*)(?:: (.*))?)?$/.exec(line)
    const step = { line: index + 1, words: done.split(' '), answer, says, inside: [] }
    if (isInside) steps.at(-1).inside.push(step)
    else steps.push(step)
  }
  return found
}

async function demoSnapshot() {
  const sandbox = new Sandbox(demo)
  await sandbox.evolve()
  const snapshot = await sandbox.snapshot()
  sandbox.close()
  return snapshot
}

const value = (word) => (/^[iu]32:/.test(word) ? Number(word.slice(4)) : word)

class Player {
  #isSync
  #sandbox
  #pool
  #snapshots = new Map()
  #inside = []
  /** What is still to be told of what was done in a host function. */
  #pending = []

  constructor(isSync) {
    this.#isSync = isSync
  }

  async play(steps) {
    for (const step of steps) {
      this.#inside = [...step.inside]
      await this.#check(step)
      assert.deepEqual(this.#inside, [], `line ${step.line}: never inside`)
      await Promise.all(this.#pending.splice(0))
    }
    this.#sandbox.close()
    this.#pool?.close()
  }

  /** What is done begins at once, and in order; how it ends may be told later. */
  #look = () => {
    const steps = this.#inside.splice(0)
    for (const step of steps) {
      const checked = this.#check(step)
      checked.catch(() => {})
      this.#pending.push(checked)
    }
  }

  async #check({ line, words, answer, says }) {
    const what = `line ${line}: ${words.join(' ')}`
    let found, text = ''
    try {
      found = await this.#do(...words)
    } catch (error) {
      if (!(error instanceof HyperlightError)) throw error
      found = error.code.replace('ERR_HL_', '')
      text = error.message
    }
    assert.equal(found, answer, `${what}: ${text}`)
    assert.ok(text.includes(says), `${what}: ${text}`)
  }

  #do(operation, ...words) {
    const ok = () => 'ok'
    const sandbox = this.#sandbox
    switch (operation) {
      case 'new': return this.#make(...words).then(ok)
      case 'state': return sandbox.state
      case 'interrupt': return String(sandbox.interrupt())
      case 'unregister': return String(sandbox.unregister(...words))
      case 'functions': return sandbox.functions.length > 0 ? 'ok' : 'none'
      case 'register': sandbox.register(words[0], {}, this.#look); return 'ok'
      case 'close': sandbox.close(); return 'ok'
      case 'evolve': return sandbox.evolve().then(ok)
      case 'snapshot': return sandbox.snapshot().then((snapshot) => { this.#snapshots.set(words[0], snapshot) }).then(ok)
      case 'restore': {
        const taken = this.#snapshots.get(words[0])
        return (taken === undefined ? demoSnapshot().then((snapshot) => sandbox.restore(snapshot)) : sandbox.restore(taken)).then(ok)
      }
      case 'call': return this.#call({}, words)
      case 'call_for': return this.#call({ timeoutMs: Number(words[0]) }, words.slice(1))
      default: throw new Error(`there is no ${operation}`)
    }
  }

  #call(limits, [name, ...words]) {
    const result = (found) => (found === undefined ? 'ok' : String(found))
    const given = words.map(value)
    const values = this.#sandbox instanceof JavaScript ? [name, given, limits] : [name, ...given, limits]
    if (this.#isSync) return result(this.#sandbox.callSync(...values))
    return this.#sandbox.call(...values).then(result)
  }

  async #make(source) {
    switch (source) {
      case 'demo': this.#sandbox = new Sandbox(demo); break
      case 'script': this.#sandbox = new JavaScript(SCRIPT); break
      case 'broken':
        this.#sandbox = new Sandbox(Guest.builtin('javascript').withPayload(Buffer.from("throw new Error('no')")))
        break
      case 'clone': {
        const start = new Sandbox(demo).register('Look', {}, () => {})
        await start.evolve()
        this.#sandbox = new Sandbox(await start.snapshot())
        start.close()
        break
      }
      case 'member':
        this.#pool = new SandboxPool(await demoSnapshot(), { size: 1 })
        this.#sandbox = await this.#pool.acquire()
        break
      default: throw new Error(`there is no source ${source}`)
    }
  }
}

for (const [name, steps] of scripts()) {
  for (const isSync of [false, true]) test(`${name}${isSync ? ', on this thread' : ''}`, () => new Player(isSync).play(steps))
}
