// A stream of events from the server (EventSource) that holds: whoever listens is told when to look for what he may have missed.
//
// - Browsers reconnect by themselves where the network fails, but not after an answer that is no stream (a proxy whose server starts anew,
//   a session that has ended): then it is opened again later and later, and each time who listens looks for himself, so that a page behind
//   a proxy that lets no stream through lives too, slowly.
// - A connection that died unseen, while the machine slept or the network changed, tells nothing and says no error. After a sleep, with a
//   new network, and where the server has been silent for longer than it promised, it is opened anew.

interface StreamOptions {
  readonly path: string
  /** What is done with the data of an event of that name. */
  readonly events: Readonly<Record<string, (data: string) => void>>
  /** It listens from now on, the first time and again: what came before was told to nobody. */
  readonly onOpen: () => void
  readonly onLost?: () => void
  /** The server refused the stream, and will be asked for it again: what came meanwhile is not told. */
  readonly onRefused: () => void
  /** Milliseconds after which silence means that the connection is dead; absent: it may be silent. */
  readonly longestSilence?: number
}

const shortestReopening = 4000
const longestReopening = 60_000
const watchEvery = 15_000
/** Browsers let hidden pages work once a minute; a longer pause is a machine that slept, or a page that was frozen. */
const sleepAfter = 100_000

/** Resolves to what closes it. */
export function openStream(options: StreamOptions): () => void {
  const { path, events, onOpen, onLost, onRefused, longestSilence = Infinity } = options
  let source: EventSource
  let timer: ReturnType<typeof setTimeout> | undefined
  let delay = shortestReopening
  let heard = Date.now()
  let watched = Date.now()
  const open = (): void => {
    clearTimeout(timer)
    heard = Date.now()
    source = new EventSource(path)
    for (const [name, take] of Object.entries(events)) {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        heard = Date.now()
        take(event.data)
      })
    }
    source.addEventListener('open', () => {
      heard = Date.now()
      delay = shortestReopening
      onOpen()
    })
    source.addEventListener('error', (event) => {
      if (event.target !== source) return
      onLost?.()
      if (source.readyState !== EventSource.CLOSED) return
      timer = setTimeout(() => {
        onRefused()
        open()
      }, delay)
      delay = Math.min(delay * 2, longestReopening)
    })
  }
  const reopen = (): void => {
    source.close()
    open()
  }
  const watch = (): void => {
    const now = Date.now()
    const slept = now - watched > sleepAfter
    watched = now
    if (slept || (source.readyState === EventSource.OPEN && now - heard > longestSilence)) reopen()
  }
  const watching = setInterval(watch, watchEvery)
  const onShown = (event: PageTransitionEvent): void => {
    if (event.persisted) reopen()
  }
  document.addEventListener('visibilitychange', watch)
  addEventListener('online', reopen)
  addEventListener('pageshow', onShown)
  open()
  return () => {
    clearInterval(watching)
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', watch)
    removeEventListener('online', reopen)
    removeEventListener('pageshow', onShown)
    source.close()
  }
}
