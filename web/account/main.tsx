// Log-in, set-up and settings: what stands before and around one's mail.
import './account.css'
import { startPage } from '../shared/start.tsx'
import { LogIn } from './log-in.tsx'
import { Settings } from './settings.tsx'
import { SetUp } from './set-up.tsx'

const [first] = location.pathname.split('/').filter((part) => part !== '')
startPage(first === 'setup' ? <SetUp /> : first === 'account' ? <Settings /> : <LogIn />)
