// What the page and the frames without an origin say to one another.

/** To and from `frame/message.html`. */
export type FrameMessage =
  | {
      readonly type: 'show'
      /** As it came. */
      readonly html: string
      /** Data URLs by Content-ID. */
      readonly inline: Readonly<Record<string, string>>
      /** Whether pictures from elsewhere may be loaded. */
      readonly remote: boolean
      readonly dark: boolean
      /** Whether it stands on white in a page that is dark: it wants a margin then. */
      readonly card: boolean
    }
  /** How many things from elsewhere were left out. */
  | { readonly type: 'blocked'; readonly count: number }
  | { readonly type: 'ready' }
  | { readonly type: 'height'; readonly height: number }
  | FrameKey

export interface FrameKey {
  readonly type: 'key'
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly shiftKey: boolean
}

/** A message that is answered, passed on or written on. */
export interface Quote {
  readonly html: string
  readonly inline: Readonly<Record<string, string>>
  /** Whether it stands in a quote. */
  readonly cited: boolean
}

/** Which formats hold where the cursor is. */
export interface EditorFormat {
  readonly bold: boolean
  readonly italic: boolean
  readonly underline: boolean
  readonly link: boolean
  readonly list: 'ul' | 'ol' | null
  readonly quote: boolean
}

export type EditorCommand =
  | 'bold'
  | 'italic'
  | 'underline'
  | 'bullet-list'
  | 'number-list'
  | 'quote'
  | 'unquote'
  | 'clear'
  | 'undo'
  | 'redo'

/** To and from `frame/editor.html`. */
export type EditorMessage =
  | {
      readonly type: 'open'
      /** Ours. */
      readonly html: string
      /** Somebody's, as it came: cleaned and put below. */
      readonly quote: Quote | null
      readonly dark: boolean
      readonly focus: boolean
    }
  | { readonly type: 'opened'; readonly html: string }
  | { readonly type: 'command'; readonly command: EditorCommand }
  | { readonly type: 'link'; readonly url: string }
  | { readonly type: 'image'; readonly url: string }
  | { readonly type: 'signature'; readonly html: string }
  | { readonly type: 'focus' }
  | { readonly type: 'ready' }
  | { readonly type: 'changed'; readonly html: string }
  /** Asks for the text as it is now. */
  | { readonly type: 'flush' }
  | { readonly type: 'flushed'; readonly html: string }
  | { readonly type: 'format'; readonly format: EditorFormat }
  | { readonly type: 'files'; readonly files: readonly File[] }
  | { readonly type: 'height'; readonly height: number }
  | FrameKey
