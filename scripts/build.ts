// `npm run build`: compiles `src/` to `dist/` for the package on npm, because Node strips no types below node_modules.
//
// tsc rewrites `.ts` in imports to `.js`; what is not TypeScript (migrations, data files) is copied beside it. Tests are
// left out. The pages are built beside it, in `dist-web/`. `dist/` is made anew each time, so that nothing of an earlier build is published.
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildWeb } from './build-web.ts'
import { root } from './sources.ts'

const target = join(root, 'dist')
const projectFile = join(root, 'tsconfig.build.tmp.json')

/** The project's own settings, for `src/` alone and with output. */
const project = {
  extends: './tsconfig.json',
  compilerOptions: { noEmit: false, outDir: 'dist', rootDir: 'src', sourceMap: false },
  include: ['src', 'types'],
  exclude: ['src/**/*.test.ts', 'src/**/*.fuzz.ts'],
}

function compile(): void {
  writeFileSync(projectFile, JSON.stringify(project))
  try {
    const tsc = join(root, 'node_modules/.bin/tsc')
    const { status } = spawnSync(tsc, ['-p', projectFile], { cwd: root, stdio: 'inherit' })
    if (status !== 0) throw new Error('tsc found errors')
  } finally {
    rmSync(projectFile)
  }
}

/** Copies what the compiler does not know. */
function copyData(): void {
  for (const file of globSync('src/**/*', { cwd: root })) {
    if (/\.(ts|md|sha256)$/.test(file) || !statSync(join(root, file)).isFile()) continue
    const copy = join(target, file.replace(/^src./, ''))
    mkdirSync(dirname(copy), { recursive: true })
    cpSync(join(root, file), copy)
  }
}

/** Threads are started by URL, which the compiler does not rewrite as it does imports. */
function rewriteUrls(): void {
  for (const file of globSync('**/*.js', { cwd: target })) {
    const path = join(target, file)
    const text = readFileSync(path, 'utf8')
    const rewritten = text.replaceAll(/(new URL\(['"]\.[^'"]*)\.ts(['"],\s*import\.meta\.url\))/g, '$1.js$2')
    if (rewritten !== text) writeFileSync(path, rewritten)
  }
}

rmSync(target, { recursive: true, force: true })
compile()
rewriteUrls()
copyData()
await buildWeb()
process.stdout.write(`built ${globSync('**/*.js', { cwd: target }).length} modules\n`)
