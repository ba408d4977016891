// What all pages of settings begin with, and what they are given.
import type { JSX } from 'preact'
import type { SessionState } from '../../src/http/api/account.ts'
import { Button } from '../shared/ui/button.tsx'

export type OpenSession = Extract<SessionState, { state: 'open' }>

/** The head of a page of settings. */
export function Heading(props: {
  title: string
  about: string
  action?: { label: string; run: () => void }
}): JSX.Element {
  return (
    <header class="row row-wrap settings-head">
      <div class="grow stack stack-s">
        <h1 class="title">{props.title}</h1>
        <p class="soft">{props.about}</p>
      </div>
      {props.action === undefined ? null : (
        <Button tone="primary" icon="plus" onClick={props.action.run}>
          {props.action.label}
        </Button>
      )}
    </header>
  )
}
