// How well mail programs show a message's HTML: what it uses, against what caniemail.com knows of each program (`caniemail.json`, with
// its licence).
//
// The score weighs each feature by how many programs lack it and by how much of the message uses it; the worst feature decides, since a
// message is as readable as its worst part.
import { readFile } from 'node:fs/promises'
import { readHtml } from './html-facts.ts'
import { usesOf } from './feature-uses.ts'

export interface HtmlResult {
  /** `Outlook Windows (2019)`. */
  readonly name: string
  readonly family: string
  readonly platform: string
  readonly version: string
  readonly support: 'yes' | 'no' | 'partial'
  /** Key of `HtmlWarning.notes`; '' for none. */
  readonly note: string
}

export interface HtmlWarning {
  readonly slug: string
  readonly title: string
  readonly description: string
  readonly url: string
  readonly category: 'html' | 'css' | 'image'
  readonly tags: readonly string[]
  readonly keywords: string
  readonly results: readonly HtmlResult[]
  readonly notes: Readonly<Record<string, string>>
  /** How often it is used, and in percent what mail programs do with it. */
  readonly score: {
    readonly found: number
    readonly supported: number
    readonly partial: number
    readonly unsupported: number
  }
}

export interface HtmlCheck {
  /** In percent; `tests` is how many features were looked for, `nodes` how many elements there are. */
  readonly total: {
    readonly tests: number
    readonly nodes: number
    readonly supported: number
    readonly partial: number
    readonly unsupported: number
  }
  /** What is not supported everywhere, the worst first. */
  readonly warnings: readonly HtmlWarning[]
  /** Families of mail programs by platform. */
  readonly platforms: Readonly<Record<string, readonly string[]>>
}

interface Feature {
  readonly slug: string
  readonly title: string
  readonly description: string
  readonly url: string
  readonly category: 'html' | 'css' | 'image'
  readonly tags: readonly string[]
  readonly keywords: string
  /** Family, platform, version: `y`, `n`, `a #1`, `u`. */
  readonly stats: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>
  readonly notes: Readonly<Record<string, string>>
}

interface CanIEmail {
  readonly nicenames: {
    readonly family: Readonly<Record<string, string>>
    readonly platform: Readonly<Record<string, string>>
  }
  readonly features: readonly Feature[]
}

/** Reads the data at each check: it is seldom, and half a megabyte need not stay. */
export async function checkHtml(html: string): Promise<HtmlCheck> {
  // The file is ours, and tests read all of it.
  const data = JSON.parse(await readFile(new URL('./caniemail.json', import.meta.url), 'utf8')) as CanIEmail
  const facts = readHtml(html)
  const nodes = Math.max(facts.nodes, 1)
  const warnings: HtmlWarning[] = []
  let tests = 0
  for (const feature of data.features) {
    const found = usesOf(feature, facts)
    if (found === undefined) continue
    tests++
    if (found === 0) continue
    const warning = judge(feature, { found, data })
    if (warning.score.supported < 100) warnings.push(warning)
  }
  const weight = ({ score }: HtmlWarning): number => Math.min(score.found / nodes, 1)
  const worst = (of: (warning: HtmlWarning) => number): number =>
    warnings.reduce((most, warning) => Math.max(most, of(warning) * weight(warning)), 0)
  const partial = worst(({ score }) => score.partial)
  const unsupported = worst(({ score }) => score.unsupported)
  warnings.sort(
    (one, other) =>
      (other.score.unsupported + other.score.partial) * weight(other) -
      (one.score.unsupported + one.score.partial) * weight(one),
  )
  return {
    total: {
      ...{ tests, nodes: facts.nodes, partial, unsupported },
      supported: Math.max(0, 100 - partial - unsupported),
    },
    warnings,
    platforms: platformsOf(data),
  }
}

function judge(feature: Feature, { found, data }: { found: number; data: CanIEmail }): HtmlWarning {
  const results: HtmlResult[] = []
  for (const [family, platforms] of Object.entries(feature.stats)) {
    for (const [platform, versions] of Object.entries(platforms)) {
      for (const [version, value] of Object.entries(versions)) {
        const result = readResult(value)
        if (result === undefined) continue
        const name = `${data.nicenames.family[family] ?? family} ${data.nicenames.platform[platform] ?? platform} (${version})`
        results.push({ name, family, platform, version, ...result })
      }
    }
  }
  const share = (support: HtmlResult['support']): number =>
    results.length === 0
      ? 0
      : (results.filter((result) => result.support === support).length / results.length) * 100
  const { slug, title, description, url, category, tags, keywords, notes } = feature
  return {
    ...{ slug, title, description, url, category, tags, keywords, results, notes },
    score: { found, supported: share('yes'), partial: share('partial'), unsupported: share('no') },
  }
}

/** Undefined where nobody has tried. */
function readResult(value: string): Pick<HtmlResult, 'support' | 'note'> | undefined {
  const note = /#(\d+)/.exec(value)?.[1] ?? ''
  if (value.startsWith('u')) return undefined
  if (value.startsWith('n')) return { support: 'no', note }
  return value === 'y' ? { support: 'yes', note } : { support: 'partial', note }
}

function platformsOf({ features, nicenames }: CanIEmail): Record<string, string[]> {
  const families = new Map<string, Set<string>>()
  for (const { stats } of features) {
    for (const [family, platforms] of Object.entries(stats)) {
      for (const platform of Object.keys(platforms)) {
        const known = families.get(platform) ?? new Set()
        known.add(nicenames.family[family] ?? family)
        families.set(platform, known)
      }
    }
  }
  return Object.fromEntries(
    [...families]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([platform, known]) => [platform, [...known].toSorted()]),
  )
}
