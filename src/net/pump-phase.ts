// Where a session of the pump stands; one at a time.

export type Phase =
  | 'fresh'
  /** Inside `#carry`. */
  | 'running'
  | 'idle'
  /** The handler's promise is outstanding. */
  | 'asking'
  /** A question waits until the peer has read what it was sent. */
  | 'deferred'
  /** The handler is telling something between questions; the core hears nothing. */
  | 'telling'
  | 'upgrading'
  /** The handler's `takeOver` owns the connection. */
  | 'taken-over'
  /** All is said; waiting for the peer to close too. */
  | 'closing'
  /** Gone, with an answer or a telling outstanding. */
  | 'lost'
  | 'gone'
