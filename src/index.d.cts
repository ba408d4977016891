// Types for `require`: those of the module, which is what it gives.
export * from './index.js'
