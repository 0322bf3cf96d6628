// Host functions: a guest's only access to this process. Sync and async ones, and their errors.

import { readFile } from 'node:fs/promises'

import { Guest, HyperlightError, Sandbox } from 'libhyperlight'

const sandbox = new Sandbox(Guest.builtin('demo'), { print: (text) => console.log('the guest says:', text.trimEnd()) })

// An async one: the guest waits, the event loop does not.
sandbox.register('HostAdd', { params: ['i32', 'i32'], returns: 'i32' }, async (a, b) => {
  const { length } = await readFile(import.meta.filename ?? new URL(import.meta.url))
  return length > 0 ? a + b : 0
})

class NotToday extends Error {}
sandbox.register('Refuse', { params: [], returns: 'void' }, () => {
  throw new NotToday('come back tomorrow')
})

await sandbox.call('PrintOutput', 'hello\n')
console.log('2 + 3 =', await sandbox.call('Add', 2, 3))

// An async host function needs this thread, which callSync occupies.
try {
  sandbox.callSync('Add', 2, 3)
} catch (error) {
  console.log(error instanceof HyperlightError, error.code)
}

// An exception of a host function is rethrown as the same object.
try {
  await sandbox.call('HostCallLoop', 'Refuse', 1)
} catch (error) {
  console.log(error instanceof NotToday, error.message)
}

// The sandbox is still ready.
console.log(sandbox.state)
sandbox.close()
