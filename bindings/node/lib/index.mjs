// The same as index.cjs, of which there is one in the process.
export { Guest, HyperlightError, Sandbox, SandboxPool, Snapshot, probe, version } from './index.cjs'
