// Pages that are written by the program rather than by a person, so that they cannot drift from it. The check fails when a
// page differs from what its generator says now; `npm run check -- docs --update` writes them.
//
// A generator is a row here: where the page lies, and how its text is made. It must say the same on every machine.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { resolveConfig } from '../src/config/layers.ts'
import { openApiDocument } from '../src/http/openapi.ts'
import { startPosthorn } from '../src/main.ts'
import { httpOperations } from '../src/wiring/http.ts'
import { commandReference, configReference } from './reference.ts'
import { readTables, renderSupportTable } from './rfc.ts'
import { readIfPresent, root, type Problem } from './sources.ts'

interface Generator {
  /** Relative to the project's root. */
  readonly file: string
  readonly generate: () => string | Promise<string>
}

const generators: readonly Generator[] = [
  { file: 'docs/generated/config.md', generate: configReference },
  { file: 'docs/generated/cli.md', generate: commandReference },
  { file: 'docs/generated/openapi.json', generate: openApiReference },
  {
    file: 'docs/generated/rfcs.md',
    generate: () =>
      renderSupportTable(readTables(readIfPresent('docs/rfcs.tsv'), readIfPresent('docs/rfc-sections.tsv'))),
  },
]

/** Of a server: a catcher has fewer operations. */
async function openApiReference(): Promise<string> {
  const listeners = [{ service: 'http', address: '127.0.0.1', port: 0, tls: 'none' }] as const
  const settings = { profile: 'server', data: null, hostname: 'mail.example.org', listeners } as const
  await using posthorn = await startPosthorn(resolveConfig([{ name: 'docs', settings }]))
  return `${JSON.stringify(openApiDocument(httpOperations(posthorn.operations)), null, 2)}\n`
}

/** What is out of date; with `update`, brings it up to date first. */
export async function checkDocuments(update: boolean): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const { file, generate } of generators) {
    const text = await generate()
    if (readIfPresent(file) === text) continue
    if (update) {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), text)
    } else {
      problems.push({ path: file, message: 'is out of date: npm run check -- docs --update' })
    }
  }
  return problems
}
