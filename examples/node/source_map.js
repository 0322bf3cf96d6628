// A program built from Rust: the parser of source maps in the package `source-map`. It reads untrusted maps in a
// sandbox.

import { createRequire } from 'node:module'
import { join, dirname } from 'node:path'

import { Wasm } from 'libhyperlight'

const path = join(dirname(createRequire(import.meta.url).resolve('source-map')), 'lib', 'mappings.wasm')
const originals = []
const hostFunctions = {
  mapping_callback: {
    openArity: true,
    call: (...mapping) => {
      const [line, column, , , hasOriginal, source, originalLine, originalColumn] = mapping
      if (hasOriginal) originals.push({ line, column, source, originalLine, originalColumn })
    },
  },
}
const parser = await Wasm.compile(path, { timeoutMs: 1000, hostFunctions })
const memory = parser.memory()
await parser.evolve()
const warm = await parser.snapshot()

// The origin of each line of the generated file; null if the map is broken.
const parse = async (mappings) => {
  const buffer = await parser.call('allocate_mappings', [mappings.length])
  await memory.write(buffer, Buffer.from(mappings))
  const parsed = await parser.call('parse_mappings', [buffer])
  if (parsed === 0) return null
  originals.length = 0
  await parser.call('by_generated_location', [parsed])
  return originals.map(({ line, originalLine }) => `${line} from ${originalLine}`).join(', ')
}

for (const mappings of ['AAAA;AACA;AAEA', 'not a map!', 'AAKA;AAJA']) {
  console.log(await parse(mappings))
  await parser.restore(warm)
}
parser.close()
