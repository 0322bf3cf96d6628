'use strict'
// Loads the native half, and checks that its version is this package's.

const { version } = require('../package.json')
const { load } = require('./loader.cjs')

/** @type {typeof import('./native.d.cts')} */
const native = load()
if (native.version() !== version) {
  throw Object.assign(new Error(`libhyperlight ${version} found the binary of version ${native.version()}; ` +
    'install it again: rm -rf node_modules package-lock.json && npm install'), { code: 'ERR_HL_ADDON' })
}

module.exports = native
