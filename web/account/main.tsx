// Log-in, set-up and settings: what stands before and around one's mail.
import './account.css'
import type { JSX } from 'preact'
import { startPage } from '../shared/start.tsx'
import { LogIn } from './log-in.tsx'
import { NotFound } from './not-found.tsx'
import { Settings } from './settings.tsx'
import { SetUp } from './set-up.tsx'

function Page(): JSX.Element {
  const [first] = location.pathname.split('/').filter((part) => part !== '')
  switch (first) {
    case 'login':
      return <LogIn />
    case 'setup':
      return <SetUp />
    case 'account':
      return <Settings />
    default:
      return <NotFound />
  }
}

startPage(<Page />)
