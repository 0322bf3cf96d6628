'use strict'
// A registry of the packages in a folder, on this machine alone, for ci/release-npm: what npm does with optional
// dependencies depends on how it came by a package. Prints its address, and runs until it is ended.
//
//   node registry.cjs FOLDER

const { execFileSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')

const folder = process.argv[2]
const packages = new Map()
for (const file of fs.readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
  const manifest = JSON.parse(execFileSync('tar', ['xzOf', path.join(folder, file), 'package/package.json'], { encoding: 'utf8' }))
  packages.set(manifest.name, { file, manifest })
}

function describe({ file, manifest }, address) {
  const integrity = `sha512-${createHash('sha512').update(fs.readFileSync(path.join(folder, file))).digest('base64')}`
  const version = { ...manifest, _id: `${manifest.name}@${manifest.version}`, dist: { tarball: `${address}/-/${file}`, integrity } }
  return { name: manifest.name, 'dist-tags': { latest: manifest.version }, versions: { [manifest.version]: version } }
}

const server = http.createServer((request, response) => {
  const address = `http://127.0.0.1:${server.address().port}`
  const name = decodeURIComponent(request.url.slice(1))
  const packed = [...packages.values()].find(({ file }) => name === `-/${file}`)
  if (packed) {
    response.end(fs.readFileSync(path.join(folder, packed.file)))
  } else if (packages.has(name)) {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(describe(packages.get(name), address)))
  } else {
    response.statusCode = 404
    response.end('{}')
  }
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
