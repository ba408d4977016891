// Where the account is open: each can be ended, or all but this one.
import type { JSX } from 'preact'
import type { Session } from '../../src/http/api/account.ts'
import { api } from '../shared/api.ts'
import { formatRelative, plural } from '../shared/format.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Button } from '../shared/ui/button.tsx'
import { Icon } from '../shared/ui/icon.tsx'
import { Failed, Skeleton } from '../shared/ui/states.tsx'
import { toast } from '../shared/ui/toast.tsx'
import { useLoaded } from './load.ts'
import { explain } from '../shared/explain.ts'
import { Heading } from './heading.tsx'

/** "Firefox on Linux" of a User-Agent field, or the field itself. */
export function browserOf(userAgent: string): string {
  const browsers: [RegExp, string][] = [
    [/Edg\//, 'Edge'],
    [/OPR\//, 'Opera'],
    [/Firefox\//, 'Firefox'],
    [/Chrom(?:e|ium)\//, 'Chrome'],
    [/Safari\//, 'Safari'],
  ]
  const systems: [RegExp, string][] = [
    [/iPhone|iPad/, 'iOS'],
    [/Android/, 'Android'],
    [/Windows/, 'Windows'],
    [/Mac OS X/, 'macOS'],
    [/Linux/, 'Linux'],
  ]
  const browser = browsers.find(([pattern]) => pattern.test(userAgent))?.[1]
  const system = systems.find(([pattern]) => pattern.test(userAgent))?.[1]
  if (browser === undefined) return userAgent === '' ? 'Some program' : userAgent.slice(0, 60)
  return system === undefined ? browser : `${browser} on ${system}`
}

export function Sessions(): JSX.Element {
  const { value, error, reload } = useLoaded(() => api.get<{ sessions: Session[] }>('/api/v1/sessions'))
  const attempt = async (action: () => Promise<string>): Promise<void> => {
    try {
      toast(await action())
    } catch (failure) {
      toast(explain(failure), { tone: 'bad' })
    }
    reload()
  }
  const sessions = [...(value?.sessions ?? [])].sort((a, b) => b.seenAt.localeCompare(a.seenAt))
  return (
    <>
      <Heading title="Sessions" about="Where these pages are open. End what you do not know." />
      {error !== null ? <Failed title="They could not be loaded" reason={error} retry={reload} /> : null}
      {value === null && error === null ? <Skeleton /> : null}
      {sessions.length === 0 ? null : (
        <ul role="list" class="card entries">
          {sessions.map((session) => (
            <li key={session.id} class="entry">
              <Icon name={/iPhone|Android|Mobile/.test(session.userAgent) ? 'phone' : 'desktop'} />
              <span class="grow">
                <strong>{browserOf(session.userAgent)}</strong>{' '}
                {session.current ? <Badge tone="horn">this one</Badge> : null}
                <span class="faint small entry-about">
                  {session.remoteAddress}, by {session.method.replaceAll('+', ' and ')}, seen{' '}
                  {formatRelative(Date.parse(session.seenAt))}
                </span>
              </span>
              {session.current ? null : (
                <Button
                  size="small"
                  onClick={() =>
                    void attempt(async () =>
                      api.delete(`/api/v1/sessions/${session.id}`).then(() => 'Session ended'),
                    )
                  }
                >
                  End
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {sessions.length < 2 ? null : (
        <div>
          <Button
            icon="logout"
            onClick={() =>
              void attempt(async () => {
                const { ended } = await api.delete<{ ended: number }>('/api/v1/sessions')
                return `${plural(ended, 'session')} ended`
              })
            }
          >
            End all others
          </Button>
        </div>
      )}
    </>
  )
}
