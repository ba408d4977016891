// `posthorn/testing/jest` where Jest runs CommonJS, which is its default (also with ts-jest and babel-jest).
'use strict'
const { mailMatchers } = require('./index.cjs')
expect.extend(mailMatchers)
