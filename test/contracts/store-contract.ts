// What holding the contract of `src/store/store.ts` means, in tests: one suite for every engine. An engine that fails a line
// of it is not shipped.
import { annotationContract } from './annotations.ts'
import { changeContract } from './changes.ts'
import { deliveryContract } from './delivery.ts'
import { directoryContract } from './directory.ts'
import { emailChangeContract } from './email-changes.ts'
import { emailContract } from './emails.ts'
import { sharingContract } from './sharing.ts'
import { threadContract } from './threads.ts'
import { transferContract } from './transfers.ts'
import { guardContract } from './guarded.ts'
import { objectContract } from './objects.ts'
import { uploadContract } from './uploads.ts'
import { roomOf, type OpenStore } from './house.ts'
import { mailboxChangeContract } from './mailbox-changes.ts'
import { mailboxContract } from './mailboxes.ts'
import { messageContract } from './messages.ts'
import { queueOrdersContract } from './queue-orders.ts'
import { queueContract } from './queue.ts'
import { searchIndexContract } from './search-index.ts'
import { upkeepContract } from './upkeep.ts'
import { describe } from 'node:test'

/** Registers the suite for one engine. With `skip`, its tests skip and give that reason. */
export function storeContract(name: string, open: OpenStore, skip?: string): void {
  const room = roomOf(open, skip)
  describe(`store contract: ${name}`, () => {
    describe('delivery', () => deliveryContract(room))
    describe('mailboxes', () => mailboxContract(room))
    describe('messages', () => messageContract(room))
    describe('changes', () => changeContract(room))
    describe('email changes', () => emailChangeContract(room))
    describe('mailbox changes', () => mailboxChangeContract(room))
    describe('threads', () => threadContract(room))
    describe('transfers', () => transferContract(room))
    describe('emails', () => emailContract(room))
    describe('sharing', () => sharingContract(room))
    describe('annotations', () => annotationContract(room))
    describe('objects', () => objectContract(room))
    describe('guarded writes', () => guardContract(room))
    describe('uploads', () => uploadContract(room))
    describe('directory', () => directoryContract(room))
    describe('queue', () => queueContract(room))
    describe('queue orders', () => queueOrdersContract(room))
    describe('search index', () => searchIndexContract(room))
    describe('upkeep', () => upkeepContract(room))
  })
}
