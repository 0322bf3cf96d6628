// Compiled, never run: the same from CommonJS.
import libhyperlight = require('libhyperlight')

const sandbox: libhyperlight.Sandbox = new libhyperlight.Sandbox(new libhyperlight.Guest(new Uint8Array(1)))
sandbox.call('Echo', 'hi').then((text: string) => console.log(text))
