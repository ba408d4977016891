// Extracts numbers and titles of sections from the texts of RFCs, for the reference check of `scripts/rfc.ts`:
//
//   node scripts/rfc-sections.ts FOLDER      (FOLDER holds rfcNNNN.txt; run by hand when docs/rfcs.tsv names a new RFC)
//
// Writes `docs/rfc-sections.tsv` for every RFC listed in `docs/rfcs.tsv`. Rows of RFCs whose text is not in the folder
// are kept as they are: they were written by hand.
//
// RFCs have no machine-readable structure before 2019, so this reads the table of contents and the headings, and
// lets a number pass only where the numbering makes it plausible (4.2 after 4 or 4.1): a numbered list is no
// section. A section that is listed and does not exist does little harm; one that is missing is seen at once.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseTable, readIfPresent, root } from './sources.ts'

export interface Section {
  readonly number: string
  readonly title: string
}

/** `4.5.3.1`, `A`, `A.1`, after an optional `Appendix`; then the title. */
const heading =
  /^( *)(?:(?:Appendix|APPENDIX) +([A-Z](?:\.\d{1,3})*)|(\d{1,2}(?:\.\d{1,3})*|[A-Z](?:\.\d{1,3})+|[A-Z](?=\.)))[.:]? *(?:-+ *)?(.*)$/

/** The deepest indentation of a heading in the body; RFCs before 1990 indent theirs. */
const bodyIndent = (rfc: number): number => (rfc < 1200 ? 6 : 0)

/** All sections of an RFC's text, in the order of the text. */
export function extractSections(text: string, rfc: number): Section[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n|\f/)
  const found = new Map<string, string>()
  let inContents = false
  for (const [index, line] of lines.entries()) {
    if (/^\s*Table of Contents/i.test(line)) inContents = true
    const match = heading.exec(line)
    if (match === null) continue
    const [, indent = '', appendix, plain = '', rest = ''] = match
    const number = appendix ?? plain
    const dotted = /[. ]{3,}\d+\s*$/.test(rest)
    if (indent.length === 0 && !dotted) inContents = false
    if (!inContents && !dotted && indent.length > bodyIndent(rfc)) continue
    const title = cleanTitle(rest, lines[index + 1] ?? '')
    if (title === '' && appendix === undefined) continue
    if (found.has(number) || !isPlausible(number, found)) continue
    found.set(number, title)
  }
  return [...found].map(([number, title]) => ({ number, title }))
}

function cleanTitle(rest: string, next: string): string {
  const whole =
    rest.length > 50 && !/(?: ?\.){3}/.test(rest) && /^ {6,}\S/.test(next) ? `${rest} ${next.trim()}` : rest
  return whole
    .replace(/(?:\s*\.){2,}\s*\d*\s*$/, '')
    .replace(/\s{2,}\d+\s*$/, '')
    .replace(/\s+/g, ' ')
    .trim()
}

/** Whether a number can follow the ones before it: its elder sibling or its parent is there. */
function isPlausible(number: string, found: ReadonlyMap<string, string>): boolean {
  const parts = number.split('.')
  const last = parts.pop() ?? ''
  const prefix = parts.length === 0 ? '' : `${parts.join('.')}.`
  if (/^[A-Z]$/.test(last)) return last === 'A' || found.has(String.fromCharCode(last.charCodeAt(0) - 1))
  if (Number(last) <= 1) return prefix === '' || found.has(parts.join('.')) || Number(parts.at(-1)) >= 1
  // One missing sibling is forgiven: tables of contents have gaps.
  return found.has(`${prefix}${Number(last) - 1}`) || found.has(`${prefix}${Number(last) - 2}`)
}

function main(folder: string): void {
  const listed = parseTable(readIfPresent('docs/rfcs.tsv')).map(([number]) => Number(number))
  const old = parseTable(readIfPresent('docs/rfc-sections.tsv'))
  const rows: string[] = []
  for (const rfc of listed.sort((a, b) => a - b)) {
    const file = join(folder, `rfc${rfc}.txt`)
    if (existsSync(file)) {
      const sections = extractSections(readFileSync(file, 'utf8'), rfc)
      rows.push(...sections.map(({ number, title }) => `${rfc}\t${number}\t${title}`))
      process.stdout.write(`${rfc}: ${sections.length} sections\n`)
    } else {
      const kept = old.filter(([number]) => Number(number) === rfc)
      rows.push(...kept.map((row) => row.join('\t')))
      process.stdout.write(`${rfc}: no text; ${kept.length} rows kept\n`)
    }
  }
  const head =
    '# Section numbers and titles of the RFCs in rfcs.tsv, extracted by scripts/rfc-sections.ts.\n' +
    '# RFC\tsection\ttitle\n'
  writeFileSync(join(root, 'docs/rfc-sections.tsv'), `${head}${rows.join('\n')}\n`)
}

if (import.meta.main) {
  const folder = process.argv[2]
  if (folder === undefined) {
    process.stderr.write('usage: node scripts/rfc-sections.ts FOLDER\n')
    process.exitCode = 64
  } else {
    main(folder)
  }
}
