// Methods of the core itself (RFC 8620 §4).
import { core } from '../proto/capabilities.ts'
import type { Method } from './module.ts'

/** RFC 8620 §4: "returns exactly the same arguments as it is given". */
export const echo: Method = {
  name: 'Core/echo',
  capability: core,
  call: async (_context, args) => ({ arguments: args }),
}
