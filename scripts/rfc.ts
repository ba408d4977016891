// Holds every `RFC 5321 §4.5.2` in the sources against `docs/rfcs.tsv` (which RFCs there are and how far Posthorn
// follows each) and `docs/rfc-sections.tsv` (which sections each has), and writes the support table for users.
//
// A reference to an unlisted RFC or to a section that does not exist is a problem. So is a claim without code: an
// RFC whose status is `full` or `partial` must be cited somewhere in `src/`.
import { lineAt, parseTable, type Problem, type SourceFile } from './sources.ts'

export const statuses = ['full', 'partial', 'planned', 'not implemented', 'reference'] as const
export type Status = (typeof statuses)[number]

export interface RfcRow {
  readonly number: number
  readonly title: string
  readonly status: Status
  readonly note: string
}

export interface Reference {
  readonly path: string
  readonly line: number
  readonly rfc: number
  /** Without the sign; undefined where the RFC as a whole is meant. */
  readonly section: string | undefined
}

export interface RfcTables {
  readonly rows: readonly RfcRow[]
  /** Section numbers by RFC. */
  readonly sections: ReadonlyMap<number, ReadonlySet<string>>
  readonly problems: readonly Problem[]
}

const listFile = 'docs/rfcs.tsv'

/** Reads the two tables; what is wrong with them is among the problems. */
export function readTables(list: string, sectionList: string): RfcTables {
  const problems: Problem[] = []
  const rows: RfcRow[] = []
  for (const [number = '', title = '', status = '', note = ''] of parseTable(list)) {
    const known = statuses.find((candidate) => candidate === status)
    const message = `RFC ${number}: `
    if (!/^\d{3,5}$/.test(number)) problems.push({ path: listFile, message: `not a number: ${number}` })
    else if (rows.some((row) => row.number === Number(number)))
      problems.push({ path: listFile, message: `${message}listed twice` })
    else if (known === undefined)
      problems.push({ path: listFile, message: `${message}${status} is none of ${statuses.join(', ')}` })
    else if (known === 'partial' && note === '')
      problems.push({ path: listFile, message: `${message}partial needs a note that says what is missing` })
    else rows.push({ number: Number(number), title, status: known, note })
  }
  const sections = new Map<number, Set<string>>()
  for (const [number, section = ''] of parseTable(sectionList)) {
    const known = sections.get(Number(number)) ?? new Set()
    sections.set(Number(number), known.add(section))
  }
  return { rows, sections, problems }
}

const sectionNumber = String.raw`(?:[Aa]ppendix )?[0-9A-Z]+(?:\.[0-9]+)*`
const mention = new RegExp(
  String.raw`\bRFC ?(\d{3,5})(,? [Aa]ppendix [A-Z](?:\.\d+)*|(?:,? ?(?:and |or |to |– ?|- ?)?§§? ?${sectionNumber})*)`,
  'g',
)

/** All mentions of RFCs in a file, one for each section named; `rfc: 2034` in a table is one too. */
export function findReferences(file: SourceFile): Reference[] {
  const rows = [...file.text.matchAll(/\brfc: (\d{3,5})\b/g)].map(({ index, 1: number }) => {
    return { path: file.path, line: lineAt(file.text, index), rfc: Number(number), section: undefined }
  })
  return [...rows, ...findCitations(file)]
}

function findCitations(file: SourceFile): Reference[] {
  return [...file.text.matchAll(mention)].flatMap((match) => {
    const [, number, tail = ''] = match
    const line = lineAt(file.text, match.index)
    const named = [
      ...tail.matchAll(new RegExp(`(?:§ ?|[Aa]ppendix )(?:[Aa]ppendix )?([0-9A-Z]+(?:\\.[0-9]+)*)`, 'g')),
    ]
    const sections = named.length === 0 ? [undefined] : named.map(([, section]) => section)
    return sections.map((section) => ({ path: file.path, line, rfc: Number(number), section }))
  })
}

/** Checks every reference and every claim. */
export function checkReferences(files: readonly SourceFile[], tables: RfcTables): Problem[] {
  const references = files.flatMap(findReferences)
  const listed = new Map(tables.rows.map((row) => [row.number, row.status]))
  const problems = [...tables.problems]
  for (const { path, line, rfc, section } of references) {
    const known = tables.sections.get(rfc)
    if (!listed.has(rfc)) problems.push({ path, line, message: `RFC ${rfc} is not in ${listFile}` })
    else if (section !== undefined && known?.has(section) !== true) {
      // Of background reading whose text was not at hand, no sections are known.
      if (known === undefined && listed.get(rfc) === 'reference') continue
      const why = known === undefined ? 'has no sections in docs/rfc-sections.tsv' : `has no §${section}`
      problems.push({ path, line, message: `RFC ${rfc} ${why}` })
    }
  }
  const cited = new Set(references.filter(({ path }) => path.startsWith('src/')).map(({ rfc }) => rfc))
  for (const { number, status } of tables.rows) {
    if ((status !== 'full' && status !== 'partial') || cited.has(number)) continue
    problems.push({ path: listFile, message: `RFC ${number} is said to be ${status}, but no code cites it` })
  }
  return problems
}

const headings: Readonly<Record<Status, string>> = {
  full: 'yes',
  partial: 'in part',
  planned: 'planned',
  'not implemented': 'no',
  reference: 'background',
}

/** The support table for users, as Markdown. */
export function renderSupportTable(tables: RfcTables): string {
  const rows = tables.rows
    .toSorted((a, b) => a.number - b.number)
    .map(({ number, title, status, note }) => {
      const link = `[${number}](https://www.rfc-editor.org/rfc/rfc${number})`
      return `| ${link} | ${title} | ${headings[status]} | ${note} |`
    })
  return [
    '# Standards',
    '',
    'Which RFCs Posthorn follows, and how far. Written by `npm run check -- docs --update` from `docs/rfcs.tsv`;',
    'every section that the sources cite is checked against the RFC’s own list of sections.',
    '',
    '| RFC | title | followed | note |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}
