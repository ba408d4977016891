// How every page begins: styles, theme, keys, then its first component beside what all pages hold once.
import './styles/index.css'
import { render, type ComponentChildren } from 'preact'
import { startKeys } from './keys.ts'
import { startTheme } from './theme.ts'
import { PageHosts } from './ui/page-hosts.tsx'

/** Renders into `#app`. */
export function startPage(page: ComponentChildren): void {
  startTheme()
  startKeys()
  const root = document.getElementById('app')
  if (root === null) throw new Error('the page has no #app')
  render(
    <>
      {page}
      <PageHosts />
    </>,
    root,
  )
}
