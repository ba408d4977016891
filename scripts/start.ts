// `npm start`: the pages as they are in this folder, and then `posthorn dev`. In a package from npm the pages are built already.
import { buildWeb, isStale } from './build-web.ts'

if (isStale()) await buildWeb()
process.argv.splice(2, 0, 'dev')
await import(new URL('../bin/posthorn.js', import.meta.url).href)
