// The same as index.cjs, which is loaded once in the process.
export {
  Guest, HyperlightError, JavaScript, JavaScriptPool, Sandbox, SandboxPool, Snapshot, Wasm, WasmMemory, WasmPool, WasmProgram,
  probe, version,
} from './index.cjs'
