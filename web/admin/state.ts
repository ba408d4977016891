// What all of the admin page knows: who is logged in, where in the page one is, and how the server does, which is asked every two seconds
// while somebody looks.
import { computed, signal } from '@preact/signals'
import type { SessionState } from '../../src/http/api/account.ts'
import { api } from '../shared/api.ts'
import { startRouter } from '../shared/router.ts'
import { goOnAfterLogIn, loggedOut } from '../shared/ui/proof.tsx'
import { ask, type Overview, reasonOf } from './operations.ts'

export const router = startRouter('/admin/')

/** The page shown: the first word of the path; '' is the overview. */
export const section = computed(() => router.location.value.segments[0] ?? '')
/** What of that page is open: an address, the name of a message. */
export const opened = computed(() => router.location.value.segments[1] ?? null)

type Open = Extract<SessionState, { state: 'open' }>

/** `outsider`: somebody without the role; `catcher`: nobody logs in there, and nothing is administered. */
export type Gate =
  | { readonly state: 'asking' }
  | { readonly state: 'failed'; readonly reason: string }
  | { readonly state: 'catcher' }
  | { readonly state: 'outsider' | 'admin'; readonly session: Open }

export const gate = signal<Gate>({ state: 'asking' })
export const overview = signal<Overview | null>(null)
/** Why the server did not answer last time. */
export const lost = signal<string | null>(null)

const overviewMilliseconds = 2000

function toLogin(): void {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`)
}

export async function openGate(): Promise<void> {
  gate.value = { state: 'asking' }
  try {
    const session = await api.get<SessionState>('/api/v1/session')
    if (session.access === 'open') gate.value = { state: 'catcher' }
    else if (session.state === 'anonymous') toLogin()
    else {
      const state = session.scopes.includes('admin') ? 'admin' : 'outsider'
      if (state === 'admin') goOnAfterLogIn(session.account.address)
      gate.value = { state, session }
    }
  } catch (error) {
    gate.value = { state: 'failed', reason: reasonOf(error) }
  }
}

export async function readOverview(): Promise<void> {
  try {
    overview.value = await ask('server.overview')
    lost.value = null
  } catch (error) {
    lost.value = reasonOf(error)
  }
}

/** Whether somebody looks who may see something: then what is shown is asked for again and again. */
export function isWatched(): boolean {
  return document.visibilityState === 'visible' && !loggedOut.peek()
}

/** Called once, before the first render. */
export function start(): void {
  void openGate().then(() => {
    if (gate.peek().state !== 'admin') return
    void readOverview()
    setInterval(() => {
      if (isWatched()) void readOverview()
    }, overviewMilliseconds)
  })
}

/** The part of the address bar for something that has a page: an address has dots, and what ends like a file is one. */
export function pathOf(page: string, what: string): string {
  return `${page}/${encodeURIComponent(what)}/`
}
