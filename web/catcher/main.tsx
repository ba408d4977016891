// The catcher's page: everything that was caught, live.
import './catcher.css'
import { startPage } from '../shared/start.tsx'
import { CatcherPage } from './page.tsx'
import { start } from './state.ts'

start()
startPage(<CatcherPage />)
