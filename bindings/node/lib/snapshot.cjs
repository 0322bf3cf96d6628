'use strict'

const { run } = require('./calls.cjs')
const { invalid } = require('./errors.cjs')
const { unwrap } = require('./failures.cjs')
const native = require('./native.cjs')
const options = require('./options.cjs')

const INTERNAL = Symbol('internal')

/** The immutable state of a sandbox. */
class Snapshot {
  #native

  constructor(key, made) {
    if (key !== INTERNAL) throw invalid('snapshots are made by `await sandbox.snapshot()` and `Snapshot.load(path)`')
    this.#native = made
  }

  static load(path, given) {
    const bounds = options.snapshotOptions(given)
    const found = options.filePath('the path of the snapshot', path)
    return new Snapshot(INTERNAL, unwrap(native.Snapshot.load(found, bounds)))
  }

  async save(path) {
    const found = options.filePath('the path of the snapshot', path)
    await run(undefined, undefined, (port, id) => this.#native.save(port, id, found))
  }

  static native(snapshot) {
    return snapshot.#native
  }

  static is(value) {
    return typeof value === 'object' && value !== null && #native in value
  }
}

const { native: nativeSnapshot, is: isSnapshot } = Snapshot
delete /** @type {any} */ (Snapshot).native
delete /** @type {any} */ (Snapshot).is

/** Returns the native half's snapshot, or throws an error that names the value passed instead. */
function checked(value) {
  if (!isSnapshot(value)) throw invalid(`a Snapshot was expected, found ${options.describe(value)}`)
  return nativeSnapshot(value)
}

module.exports = { Snapshot, checked, isSnapshot, make: (made) => new Snapshot(INTERNAL, made) }
