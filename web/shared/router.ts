// The address bar as a signal. Links inside the page's own part of the site change it without a load; everything else is a link.
import { signal, type Signal } from '@preact/signals'

export interface Location {
  /** Below the base, without leading slash, its segments decoded. */
  readonly segments: readonly string[]
  readonly query: URLSearchParams
}

export interface Router {
  readonly location: Signal<Location>
  /** `path` below the base. */
  go(path: string, options?: { replace?: boolean }): void
  /** The whole path, for `href`. */
  href(path: string): string
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    // Not percent-encoded UTF-8: shown as it stands.
    return segment
  }
}

/** `base` begins and ends with a slash. */
export function startRouter(base: string): Router {
  const read = (): Location => ({
    segments: window.location.pathname
      .slice(base.length)
      .split('/')
      .filter((segment) => segment !== '')
      .map(decode),
    query: new URLSearchParams(window.location.search),
  })
  const location = signal(read())
  const update = (): void => {
    location.value = read()
  }
  const go: Router['go'] = (path, { replace = false } = {}) => {
    const url = base + path
    if (url === window.location.pathname + window.location.search) return
    if (replace) history.replaceState(null, '', url)
    else history.pushState(null, '', url)
    update()
  }
  window.addEventListener('popstate', update)
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (link === null || event.defaultPrevented || event.button !== 0) return
    if (
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      link.target !== '' ||
      link.hasAttribute('download')
    )
      return
    const url = new URL(link.href)
    if (url.origin !== window.location.origin || !url.pathname.startsWith(base)) return
    event.preventDefault()
    go(url.pathname.slice(base.length) + url.search)
  })
  return { location, go, href: (path) => base + path }
}
