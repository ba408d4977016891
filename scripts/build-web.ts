// Builds the pages (`web/` to `dist-web/`), and says how much JavaScript and CSS each loads at first, compressed.
//
//   node scripts/build-web.ts              builds
//   node scripts/build-web.ts --if-stale   builds unless dist-web/ is as new as web/: for `npm start` and the browser tests
//
// An install script would run on users' machines, so nothing builds at `npm ci`: `npm start`, `npm run build` and the tests do.
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { root } from './sources.ts'

const target = join(root, 'dist-web')
const stamp = join(target, '.built')
const lock = `${target}.new-lock`
const fontPackages = ['instrument-sans', 'newsreader']

/** Octets of JavaScript, gzipped, that the webmail may load at first (STACK: Front end). */
const webmailBudget = 120_000

/** Whether something that the pages are made of is newer than they are. */
function isStale(): boolean {
  if (!existsSync(stamp)) return true
  const built = statSync(stamp).mtimeMs
  const sources = globSync(['web/**/*', 'vite.config.ts', 'package-lock.json'], { cwd: root })
  return sources.some((file) => statSync(join(root, file)).mtimeMs > built)
}

/** Milliseconds after which a lock is one that its process left behind. */
const longestBuild = 180_000

/** Builds unless it is as new as what it is made of. Of several processes that want it at once, one builds and the others wait for it. */
export async function buildIfStale(): Promise<void> {
  while (isStale()) {
    try {
      mkdirSync(lock)
    } catch {
      const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0
      if (since > 0 && Date.now() - since > longestBuild) rmSync(lock, { recursive: true, force: true })
      else await sleep(200)
      continue
    }
    try {
      await buildWeb()
    } finally {
      rmSync(lock, { recursive: true, force: true })
    }
    return
  }
}

/** The scripts and styles that an HTML page names, and what those scripts import at once. */
function firstLoad(page: string): string[] {
  const found = new Set<string>()
  const visit = (path: string): void => {
    const file = join(target, path)
    if (found.has(path) || !existsSync(file)) return
    found.add(path)
    if (!path.endsWith('.js')) return
    const text = readFileSync(file, 'utf8')
    for (const [, name] of text.matchAll(/(?:from|import) ?["']\.\/([^"']+\.js)["']/g)) {
      visit(`/assets/${name}`)
    }
  }
  const html = readFileSync(join(target, page), 'utf8')
  for (const [, path = ''] of html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.(?:js|css))"/g)) visit(path)
  return [...found]
}

function octets(files: readonly string[], extension: string): number {
  return files
    .filter((file) => file.endsWith(extension))
    .reduce((sum, file) => sum + gzipSync(readFileSync(join(target, file)), { level: 9 }).length, 0)
}

function report(): void {
  const kilobytes = (size: number): string => `${(size / 1000).toFixed(1)} kB`
  for (const page of globSync('*/index.html', { cwd: target }).sort()) {
    const files = firstLoad(page)
    const script = octets(files, '.js')
    process.stdout.write(
      `${page.padEnd(22)} first load: JS ${kilobytes(script)}, CSS ${kilobytes(octets(files, '.css'))}, gzipped\n`,
    )
    if (page.startsWith('webmail') && script > webmailBudget) {
      throw new Error(`the webmail loads more than ${kilobytes(webmailBudget)} of JavaScript at first`)
    }
  }
}

/** Beside each file what is sent instead of it to browsers that take it. */
function compress(folder: string): void {
  for (const name of globSync('**/*.{js,css,html,svg,webmanifest}', { cwd: folder })) {
    const file = join(folder, name)
    const text = readFileSync(file)
    if (text.length < 1000) continue
    writeFileSync(`${file}.gz`, gzipSync(text, { level: 9 }))
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11 }
    writeFileSync(`${file}.br`, brotliCompressSync(text, { params }))
  }
}

/** Builds beside the old pages and puts the new ones in their place, so that a running server never finds half of them. */
export async function buildWeb(): Promise<void> {
  const { build } = await import('vite')
  const { viteConfig } = await import('../vite.config.ts')
  // Two may build at once: each beside the other.
  const fresh = `${target}.new-${process.pid}`
  rmSync(fresh, { recursive: true, force: true })
  await build({
    ...viteConfig,
    configFile: false,
    logLevel: 'warn',
    build: { ...viteConfig.build, outDir: fresh },
  })
  mkdirSync(join(fresh, 'licences'), { recursive: true })
  for (const name of fontPackages) {
    cpSync(
      join(root, 'node_modules/@fontsource-variable', name, 'LICENSE'),
      join(fresh, 'licences', `${name}.txt`),
    )
  }
  compress(fresh)
  writeFileSync(join(fresh, basename(stamp)), '')
  putInPlace(fresh)
}

/** Another build may put its own there between the two steps; the later one stays. */
function putInPlace(fresh: string): void {
  for (let attempt = 1; ; attempt++) {
    rmSync(target, { recursive: true, force: true })
    try {
      renameSync(fresh, target)
      return
    } catch (error) {
      if (attempt === 5) throw error
    }
  }
}

if (import.meta.main && !(process.argv.includes('--if-stale') && !isStale())) {
  await buildWeb()
  report()
}
