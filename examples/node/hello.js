// A guest, a host function, a call.

import { Guest, Sandbox, probe } from 'libhyperlight'

// Throws, with the reason and the fix, if there is no hypervisor.
probe()

// Load a guest, and make a sandbox for it that has not started yet.
const sandbox = new Sandbox(Guest.builtin('demo'))

// Give the guest something to call.
sandbox.register('HostAdd', { params: ['i32', 'i32'], returns: 'i32' }, (a, b) => a + b)

// Call guest functions: the first call starts the guest. `PrintOutput` prints through `HostPrint`, which every sandbox has.
await sandbox.call('PrintOutput', 'Hello, World! I am executing inside of a VM :)\n')

// `Add` calls the host function.
console.log('2 + 3 =', await sandbox.call('Add', 2, 3))

sandbox.close()
