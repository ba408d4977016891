// The admin page: what the command line does, in a browser.
import './admin.css'
import { startPage } from '../shared/start.tsx'
import { AdminPage } from './page.tsx'
import { start } from './state.ts'

start()
startPage(<AdminPage />)
