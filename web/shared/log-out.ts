// Logging out: the session ends, what was kept on this device goes, and the log-in page is there. A session that is over already is no hindrance.
import { api, ApiError } from './api.ts'
import { forgetKept } from './kept.ts'
import { toastError } from './ui/toast.tsx'

export async function logOut(): Promise<void> {
  try {
    await api.delete('/api/v1/session')
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) {
      toastError(error, 'You are still logged in')
      return
    }
  }
  await forgetKept()
  location.assign('/login')
}
