// Types for `require`: the matchers are added as by the module.
import './jest.js'
