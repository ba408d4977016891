// The sheet on which one logs in or sets up: a letter with an airmail edge.
import type { ComponentChildren, JSX } from 'preact'
import { Brand } from '../shared/ui/logo.tsx'

interface EntranceProps {
  readonly title: string
  readonly about?: ComponentChildren
  readonly foot?: ComponentChildren
  readonly children: ComponentChildren
}

export function Entrance({ title, about, foot, children }: EntranceProps): JSX.Element {
  return (
    <div class="entrance">
      <header class="entrance-brand">
        <Brand />
      </header>
      <main class="entrance-sheet">
        <div class="stack">
          <div class="stack stack-s">
            <h1 class="title">{title}</h1>
            {about === undefined ? null : <p class="soft">{about}</p>}
          </div>
          {children}
        </div>
      </main>
      <footer class="entrance-foot small faint">{foot}</footer>
    </div>
  )
}

/** Where to go afterwards: a path of this site, whatever the address says. */
export function nextPath(): string {
  const wanted = new URLSearchParams(location.search).get('next') ?? ''
  return /^\/(?:mail|admin|account)(?:\/|$|\?)/.test(wanted) ? wanted : '/mail/'
}
