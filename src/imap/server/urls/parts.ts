// What reading by URL needs of the service.
import type { ImapParts } from '../context.ts'

export type UrlParts = Pick<ImapParts, 'store' | 'clock' | 'random' | 'config' | 'hostname' | 'directory'>
