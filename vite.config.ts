// How the pages in `web/` become `dist-web/`: one build, an entry for each folder with an `index.html` and for each page of
// `web/frame`, no Babel, no inline script or style, nothing from elsewhere. `scripts/build-web.ts` runs it.
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type UserConfig } from 'vite'

const web = join(import.meta.dirname, 'web')

const config: UserConfig = defineConfig({
  root: web,
  base: '/',
  // Scripts and styles find each other wherever they stand: below `catcher.webRoot`, too.
  experimental: {
    renderBuiltUrl: (_, { hostType }) => (hostType === 'html' ? undefined : { relative: true }),
  },
  publicDir: join(web, 'public'),
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: join(import.meta.dirname, 'dist-web'),
    emptyOutDir: true,
    target: ['es2023', 'chrome120', 'firefox121', 'safari17.4'],
    // The Content-Security-Policy allows neither inline scripts nor, for fonts and scripts, data URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: globSync(['*/index.html', 'frame/*.html', 'worker/*.ts'], { cwd: web }).map((file) =>
        join(web, file),
      ),
      // A service worker's own address says what it may serve, and must stay the same.
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
})

// The build hands it over itself.
export { config as viteConfig }
