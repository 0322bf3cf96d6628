'use strict'
// Finds the addon: beside this package, after a build, or in the prebuilt package of the platform. If it is missing,
// the error names the platform, the places searched, and the fix.

const path = require('node:path')

/** The platforms with prebuilt binaries. */
const PLATFORMS = ['linux-x64-gnu']

/** The C library of this process: `gnu`, `musl`, or `''` if there is no choice. */
function libc(host) {
  if (host.platform !== 'linux') return ''
  return host.report().header.glibcVersionRuntime ? 'gnu' : 'musl'
}

/** The loader's facts about the process; the tests replace them. */
const here = {
  platform: process.platform,
  arch: process.arch,
  require,
  directory: path.join(__dirname, '..'),
  report() {
    // Without this the report looks up names on the network.
    const report = /** @type {any} */ (process.report)
    const before = report.excludeNetwork
    report.excludeNetwork = true
    try {
      return report.getReport()
    } finally {
      report.excludeNetwork = before
    }
  },
}

/** Loads the addon, or throws an `ERR_HL_ADDON` with the reason. */
function load(host = here) {
  // Only one can match, so the slow check of the C library is made only if nothing was found.
  const guess = host.platform === 'linux' ? `linux-${host.arch}-gnu` : `${host.platform}-${host.arch}`
  const places = [path.join(host.directory, `libhyperlight.${guess}.node`), `libhyperlight-${guess}`]
  const failures = []
  for (const place of places) {
    try {
      return host.require(place)
    } catch (error) {
      failures.push({ place, error })
    }
  }
  throw explain(host, failures)
}

function explain(host, failures) {
  const platform = [host.platform, host.arch, libc(host)].filter(Boolean).join('-')
  const found = failures.find(({ error }) => error.code !== 'MODULE_NOT_FOUND')
  const lines = [`libhyperlight has no usable binary for ${platform} (platform ${host.platform}, architecture ${host.arch}` +
    `${host.platform === 'linux' ? `, C library ${libc(host)}` : ''}).`]
  if (!PLATFORMS.includes(platform)) {
    lines.push(`There are binaries for ${PLATFORMS.join(', ')}; libhyperlight needs Linux with glibc on x86-64, and /dev/kvm.`)
  } else if (found) {
    lines.push(`${found.place} was found, but Node cannot load it: ${found.error.message}`)
    lines.push('Install it again on this machine: rm -rf node_modules package-lock.json && npm install')
  } else {
    lines.push(`Looked for ${failures.map(({ place }) => place).join(' and ')}.`)
    lines.push('In a checkout, run `npm run build` in bindings/node (it needs Rust); otherwise install it again, with optional ' +
      'dependencies: rm -rf node_modules package-lock.json && npm install')
  }
  const error = new Error(lines.join('\n'), { cause: (found ?? failures[0]).error })
  return Object.assign(error, { code: 'ERR_HL_ADDON' })
}

module.exports = { load }
