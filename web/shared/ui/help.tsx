// The overview of keys, opened with `?`: whatever is registered at the moment, so that it is never out of date.
import type { JSX } from 'preact'
import { Dialog } from './dialog.tsx'
import { helpOpen, listShortcuts, showKeys } from '../keys.ts'

/** Once a page. */
export function KeysHelp(): JSX.Element | null {
  if (!helpOpen.value) return null
  return (
    <Dialog title="Keys" wide onClose={() => (helpOpen.value = false)}>
      <div class="keys">
        {listShortcuts().map(({ title, shortcuts }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {shortcuts.map(({ keys, label }) => (
                <div key={label}>
                  <dt>{label}</dt>
                  <dd>
                    {showKeys(keys).map((key, index) => (
                      <kbd key={index}>{key}</kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}
