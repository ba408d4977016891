// The webmail: a JMAP client like any other.
import './webmail.css'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { JmapClient } from '../shared/jmap/client.ts'
import { startPage } from '../shared/start.tsx'
import { goOnAfterLogIn } from '../shared/ui/proof.tsx'
import { Failed, Loading } from '../shared/ui/states.tsx'
import { App } from './app.tsx'
import { WebmailContext } from './context.ts'
import { startOffline } from './offline.ts'
import { Webmail } from './store/webmail.ts'

/** Whoever is writing is told in the window instead, and logs in over the page: going there would take the text along. */
function toLogin(webmail: Webmail | null): Promise<boolean> {
  if (webmail === null || webmail.drafts.peek().length === 0) {
    const here = location.pathname + location.search
    location.assign(`/login?next=${encodeURIComponent(here)}`)
  }
  return Promise.resolve(false)
}

function Start(): JSX.Element {
  const webmail = useSignal<Webmail | null>(null)
  const error = useSignal<string | null>(null)
  const open = async (): Promise<void> => {
    error.value = null
    try {
      const opened = new Webmail(await JmapClient.open(() => toLogin(webmail.peek())))
      goOnAfterLogIn(opened.client.session.username)
      await opened.start()
      webmail.value = opened
    } catch (failure) {
      error.value = failure instanceof Error ? failure.message : String(failure)
    }
  }
  useEffect(() => void open(), [])
  if (error.value !== null) {
    return <Failed title="Your mail could not be opened" reason={error.value} retry={() => void open()} />
  }
  if (webmail.value === null) return <Loading label="Opening your mail…" />
  return (
    <WebmailContext.Provider value={webmail.value}>
      <App />
    </WebmailContext.Provider>
  )
}

startPage(<Start />)
startOffline()
