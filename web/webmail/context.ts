// The page's state, for all its components.
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Webmail } from './store/webmail.ts'

export const WebmailContext = createContext<Webmail | null>(null)

export function useWebmail(): Webmail {
  const webmail = useContext(WebmailContext)
  if (webmail === null) throw new Error('outside the webmail')
  return webmail
}
