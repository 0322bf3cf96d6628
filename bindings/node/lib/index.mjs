// The same as index.cjs, of which there is one in the process.
export {
  Guest, HyperlightError, JavaScript, JavaScriptPool, Sandbox, SandboxPool, Snapshot, Wasm, WasmMemory, WasmPool, WasmProgram,
  probe, version,
} from './index.cjs'
