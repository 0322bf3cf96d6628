'use strict'
// The native half, and whether it belongs to this one.

const { version } = require('../package.json')
const { load } = require('./loader.cjs')

const native = load()
if (native.version() !== version) {
  const error = new Error(`hyperlight ${version} found the binary of version ${native.version()}; ` +
    'install it again: rm -rf node_modules package-lock.json && npm install')
  error.code = 'ERR_HL_ADDON'
  throw error
}

module.exports = native
