// The library's door: start a Posthorn from a program, and write its configuration with types.
//
//   import { resolveConfig, startPosthorn } from 'posthorn'
//   await using posthorn = await startPosthorn(resolveConfig([{ name: 'mine', settings: { profile: 'test' } }]))
//   const smtp = posthorn.listeners.find((listener) => listener.service === 'catcher')
export { VirtualClock } from './base/virtual-clock.ts'
export { ConfigError, type Layer, resolveConfig } from './config/layers.ts'
export { type Config, type ConfigInput, defineConfig } from './config/schema.ts'
export { EventMemory, type EventRecord, type EventSink } from './events/event.ts'
export { type OpenListener, type Posthorn, startPosthorn } from './main.ts'
export { type Backend, openBackend, type Surroundings } from './wiring/backend.ts'
