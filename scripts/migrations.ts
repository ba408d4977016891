// A migration that has been released is never edited: databases in the field have run it. `src/store/migrations.sha256` lists the
// hash of each `.sql` file below a `migrations` folder; the list only grows (`npm run check -- migrations --update` adds
// files that it does not know yet, and changes nothing else). An entry may be taken out by hand only before its release.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readFiles, readIfPresent, root, type Problem, type SourceFile } from './sources.ts'

const listFile = 'src/store/migrations.sha256'
const pattern = 'src/store/*/migrations/*.sql'

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The list as a map from path to hash; its lines are as `sha256sum` writes them. */
export function parseHashes(text: string): Map<string, string> {
  const entries = [...text.matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm)]
  return new Map(entries.map(([, digest = '', path = '']) => [path, digest]))
}

export function compareMigrations(files: readonly SourceFile[], list: string): Problem[] {
  const listed = parseHashes(list)
  const problems: Problem[] = []
  for (const { path, text } of files) {
    const expected = listed.get(path)
    if (expected === undefined) problems.push({ path, message: `not in ${listFile}; add it with --update` })
    else if (expected !== hash(text))
      problems.push({ path, message: 'differs from what was released; add a new one' })
    if (!/\/\d{3,4}-[a-z0-9-]+\.sql$/.test(path))
      problems.push({ path, message: 'is not named NNN-what-it-does.sql' })
  }
  for (const path of listed.keys()) {
    if (!files.some((file) => file.path === path))
      problems.push({ path, message: 'a released migration is gone' })
  }
  return problems
}

export function checkMigrations(): Problem[] {
  return compareMigrations(readFiles([pattern]), readIfPresent(listFile))
}

/** Adds the files that are not listed. */
export function updateMigrations(): void {
  const list = readIfPresent(listFile)
  const listed = parseHashes(list)
  const added = readFiles([pattern])
    .filter(({ path }) => !listed.has(path))
    .map(({ path, text }) => `${hash(text)}  ${path}\n`)
  if (added.length > 0) writeFileSync(join(root, listFile), list + added.join(''))
}
