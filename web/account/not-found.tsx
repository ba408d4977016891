// Where an address of this server leads nowhere.
import type { JSX } from 'preact'
import { Entrance } from './entrance.tsx'

export function NotFound(): JSX.Element {
  return (
    <Entrance
      title="There is nothing here"
      about={
        <>
          This server has no page <code>{location.pathname}</code>.
        </>
      }
    >
      <a class="btn btn-primary btn-large" href="/mail/">
        To your mail
      </a>
    </Entrance>
  )
}
