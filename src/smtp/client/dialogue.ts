// A session as a person follows it. Content and secrets never get here: content is told by its size.

/** One line of what happens. `C` and `S`: what client and server said; `tls`: what a handshake established; `note`: our words. */
export interface DialogueLine {
  readonly direction: 'C' | 'S' | 'tls' | 'note'
  /** Without a line ending. */
  readonly text: string
}

export type OnDialogue = (line: DialogueLine) => void
