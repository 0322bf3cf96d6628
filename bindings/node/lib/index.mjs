// The same as index.cjs, of which there is one in the process.
export {
  Guest, HyperlightError, JavaScript, JavaScriptPool, Sandbox, SandboxPool, Snapshot, Wasm, WasmMemory, WasmPool, probe, version,
} from './index.cjs'
