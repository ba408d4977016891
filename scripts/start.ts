// `npm start`: the pages as they are in this folder, and then `posthorn dev`. In a package from npm the pages are built already.
import { buildIfStale } from './build-web.ts'

await buildIfStale()
process.argv.splice(2, 0, 'dev')
await import(new URL('../bin/posthorn.js', import.meta.url).href)
