// Compiled, never run: the same from CommonJS.
import hyperlight = require('hyperlight')

const sandbox: hyperlight.Sandbox = new hyperlight.Sandbox(new hyperlight.Guest(new Uint8Array(1)))
sandbox.call('Echo', 'hi').then((text: string) => console.log(text))
