// What a catcher loads when it starts, loaded beforehand: a program that starts many of them, as tests do, waits once, when it is loaded
// itself, and each start takes milliseconds. Imports, not an awaited load: `require` refuses modules that wait at their top.
import '../net/resolv-conf.ts'
import '../net/resolver.ts'
import '../smtp/server/service.ts'
import '../store/sqlite/index.ts'
import './catcher.ts'
