// Prints the types of the native half, as the macros in its sources have written them down:
//
//   NAPI_TYPE_DEF_TMP_FOLDER=FOLDER cargo check --features type-def     (an empty folder, of another name each time)
//   node bindings/node/scripts/types.mjs FOLDER >bindings/node/lib/native.d.cts
//
// It needs @napi-rs/cli where it is run; ci/test-node does all this, and fails if lib/native.d.cts is another.

import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const require = createRequire(path.join(process.cwd(), 'package.json'))
const { generateTypeDef } = await import(pathToFileURL(require.resolve('@napi-rs/cli')).href).then((found) => found.default ?? found)
const { dts } = await generateTypeDef({ typeDefDir: path.resolve(process.argv[2]), cwd: process.cwd(), noDtsHeader: true })

const HEADER = `// The native half, as lib/ sees it. Written by scripts/types.mjs: do not edit.

import type { Fault } from '../index'

/** A failure, as data: \`errors.cjs\` makes an error of it. */
export interface Failure {
  failed: true
  code: string
  message: string
  guestCode?: number | null
  details?: string | null
  thrown?: number | null
  cause?: Failure
  fault?: Fault
}

/** A result, or why there is none. */
export type Made<T> = T | Failure

/** Anything: what can be no value is refused. */
export type Loose = unknown

/** A value. */
export type Raw = import('../index').Value | undefined

/** A string that may have unpaired surrogates. */
export type Units = string

/** A string in which unpaired surrogates are replaced. */
export type Unicode = string

/** The arguments of a host function, or what a call has come to. */
export type Payload = any
`
process.stdout.write(`${HEADER}\n${dts.trim()}\n`)
