// The configuration in force: each setting, its value, where it came from, what it means. Secrets are never sent here.
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import { plural } from '../shared/format.ts'
import { Badge } from '../shared/ui/badge.tsx'
import { Segments } from '../shared/ui/field.tsx'
import { Empty } from '../shared/ui/states.tsx'
import { useAsked } from './asked.ts'
import { FilterField, PageHead } from './head.tsx'
import type { Setting } from './operations.ts'
import { Shown } from './shown.tsx'
import { router } from './state.ts'

type Which = 'all' | 'changed'

function isDefault({ origin }: Setting): boolean {
  return origin === 'default' || origin === ''
}

function inText(value: unknown): string {
  if (typeof value === 'string') return value === '' ? '""' : value
  // A list of things, each on its own line.
  if (Array.isArray(value) && value.some((one) => typeof one === 'object')) {
    return value.map((one) => JSON.stringify(one)).join('\n')
  }
  const line = JSON.stringify(value)
  return line.length > 60 ? JSON.stringify(value, null, 2) : line
}

/** Durations are told in milliseconds, sizes in octets: round ones also as people write them. */
function asPeopleWrite(setting: Setting): string | null {
  const { value, key } = setting
  if (typeof value !== 'number' || value < 1000) return null
  if (/size|bytes|octets|memory|budget|buffer/i.test(key)) {
    const [unit, factor] = value % 1_048_576 === 0 ? ['MiB', 1_048_576] : ['MB', 1_000_000]
    return value >= 1_000_000 ? `${Number((value / factor).toFixed(1))} ${unit}` : null
  }
  for (const [unit, factor] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ] as const) {
    if (value % factor === 0 && isDuration(setting)) return `${value / factor} ${unit}`
  }
  return null
}

function isDuration({ key }: Setting): boolean {
  return /time|interval|idle|window|delay|wait|longest|noted|age|keep|within|ping|warn|expire|retry|for$|after$/i.test(
    key,
  )
}

function Row({ setting }: { setting: Setting }): JSX.Element {
  const { key, value, origin, description } = setting
  const written = asPeopleWrite(setting)
  return (
    <li class="setting">
      <div class="setting-key">
        <code>{key}</code>
        <p class="faint small">{description}</p>
      </div>
      <div class="setting-value">
        <code class={`value ${value === null ? 'faint' : ''}`}>{inText(value)}</code>
        {written === null ? null : <span class="faint small"> {written}</span>}
      </div>
      <Badge tone={isDefault(setting) ? 'plain' : origin.startsWith('profile') ? 'link' : 'horn'}>
        {origin === '' ? 'default' : origin}
      </Badge>
    </li>
  )
}

export function ConfigPage(): JSX.Element {
  const settings = useAsked('server.config')
  const which = useSignal<Which>('all')
  const filter = router.location.value.query.get('q') ?? ''
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  const fits = (setting: Setting): boolean => {
    if (which.value === 'changed' && isDefault(setting)) return false
    const text =
      `${setting.key} ${inText(setting.value)} ${setting.origin} ${setting.description}`.toLowerCase()
    return words.every((word) => text.includes(word))
  }
  return (
    <div class="page">
      <PageHead
        title="Configuration"
        lead="As it is in force, with the layer that decided each setting. It is changed in the file, and takes effect with a restart; posthorn config explain shows the same."
      />
      <div class="row row-wrap">
        <FilterField
          label="Find a setting"
          value={filter}
          onInput={(text) =>
            router.go(text === '' ? 'config' : `config?${new URLSearchParams({ q: text })}`, {
              replace: true,
            })
          }
        />
        <Segments<Which>
          label="Which settings"
          value={which.value}
          onChange={(value) => (which.value = value)}
          options={[
            { value: 'all', label: 'all' },
            { value: 'changed', label: 'not default' },
          ]}
        />
      </div>
      <Shown of={settings} title="The configuration could not be read">
        {(all) => {
          const found = all.filter(fits)
          const groups = new Map<string, Setting[]>()
          for (const setting of found) {
            const name = setting.key.includes('.') ? (setting.key.split('.')[0] ?? '') : 'server'
            groups.set(name, [...(groups.get(name) ?? []), setting])
          }
          return found.length === 0 ? (
            <Empty title="No setting fits" picture="search" />
          ) : (
            <>
              <p class="soft small" role="status">
                {plural(found.length, 'setting')}
              </p>
              {[...groups].map(([name, rows]) => (
                <section key={name} class="card settings" aria-label={name}>
                  <h2 class="card-title">{name}</h2>
                  <ul role="list">
                    {rows.map((setting) => (
                      <Row key={setting.key} setting={setting} />
                    ))}
                  </ul>
                </section>
              ))}
            </>
          )
        }}
      </Shown>
    </div>
  )
}
