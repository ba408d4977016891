// Holds package.json to its promises: exact versions, no install scripts of our own, and one sentence in
// `docs/dependencies.md` for each package that users must run (a list item that begins with its name in backticks).
import type { Problem } from './sources.ts'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
}

/** The packages that `docs/dependencies.md` justifies. */
export function justifiedPackages(text: string): string[] {
  return [...text.matchAll(/^- `([^`]+)`(?:, `([^`]+)`)*:? \S/gm)].flatMap(([line]) =>
    [...(line ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )
}

export function checkDependencies(manifestText: string, documentText: string): Problem[] {
  const manifest = JSON.parse(manifestText) as Manifest
  const problems: Problem[] = []
  const pinned = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies }
  for (const [name, version] of Object.entries(pinned)) {
    if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) {
      problems.push({ path: 'package.json', message: `${name} is not pinned exactly: ${version}` })
    }
  }
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) {
    if (manifest.scripts?.[script] === undefined) continue
    problems.push({ path: 'package.json', message: `an install script (${script}) runs on users' machines` })
  }
  const needed = Object.keys({
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
  })
  const justified = justifiedPackages(documentText)
  const path = 'docs/dependencies.md'
  for (const name of needed.filter((candidate) => !justified.includes(candidate))) {
    problems.push({ path, message: `no sentence for ${name}` })
  }
  for (const name of justified.filter((candidate) => !needed.includes(candidate))) {
    problems.push({ path, message: `${name} is no runtime dependency` })
  }
  return problems
}
