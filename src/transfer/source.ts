// Where an import reads mail: folders with messages, whatever the medium. The readers beside this file make such sources;
// `run-import.ts` reads them, one message after the other.
import type { SpecialUse } from '../store/model.ts'

/** One message on its way in. Its content is read at most once, and before the next message is asked for. */
export interface SourceMessage {
  /** For reports: a path, or a place in a file. */
  readonly name: string
  /** What tells it from the others in its folder on every visit, without blanks; null where only its content does. */
  readonly key: string | null
  /** Bits of `Flag`. */
  readonly flags: number
  readonly keywords: readonly string[]
  /** Milliseconds since the epoch; null where the header has to tell. */
  readonly internalDate: number | null
  /** For messages whose header tells none. */
  readonly fallbackDate: number | null
  /** `file`: the header holds fields of the file (`Status` and the like), which are read and taken out. */
  readonly header: 'message' | 'file'
  /** `exact`: the octets are the message's own; `text`: line ends are made CRLF, and NUL is replaced. */
  readonly octets: 'exact' | 'text'
  /** The same message in another folder has the same one. */
  readonly identity: string | null
  /** It was given under its identity before; nobody opens it. */
  readonly isCopy: boolean
  open(): AsyncIterable<Uint8Array>
}

/** Which messages of a folder are wanted. */
export interface Wanted {
  /** Keys of those that are there already. */
  readonly known: ReadonlySet<string>
  /** Milliseconds since the epoch: what is older need not be given. */
  readonly since: number | null
  /** Told of a message that is not given because it is known, older, or seen in another folder. */
  readonly skipped: (reason: 'known' | 'older' | 'elsewhere') => void
}

export interface SourceFolder {
  /** Levels parted by `/`, as the source calls it. */
  readonly name: string
  readonly specialUse: SpecialUse | null
  /** `name` decides where it goes (an export of ours); else a special use does, where it has one. */
  readonly goesBy: 'special-use' | 'name'
  readonly subscribed: boolean
  /** Where they are known before reading. */
  readonly messages: number | null
  readonly bytes: number | null
  read(wanted: Wanted): AsyncIterable<SourceMessage>
}

export interface Source extends AsyncDisposable {
  /** The same on every visit. */
  readonly identity: string
  readonly label: string
  /** What was found that is no mail, and left. */
  readonly ignored: readonly string[]
  folders(): Promise<readonly SourceFolder[]>
}

/** A source that cannot be read, with a sentence for the person who named it. */
export class SourceUnreadable extends Error {
  override name = 'SourceUnreadable'
}
