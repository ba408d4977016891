// `require('posthorn/testing')`: the module as it is, loaded by Node itself. Jest's sandbox, whose own `require` loads no ES modules, has functions of
// Node's realm nonetheless: by one of them the real `require` is found. All test files of a process share what it loads.
'use strict'
const { constructor: RealFunction } = require('node:fs').readFileSync
const { createRequire } = RealFunction('return process')().getBuiltinModule('node:module')
module.exports = createRequire(__filename)('./index.js')
