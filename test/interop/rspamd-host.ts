// rspamd as a milter of its own: its proxy worker, which scans by itself, without rules, DNS or state. What it finds is what it was
// built to find: the GTUBE strings, one for each thing that it may ask for.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MilterProgram } from './milter-program.ts'

/** As rspamd documents them; it reads the letter in front. */
const pattern = 'JS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'
export const gtube = { reject: `X${pattern}`, addHeader: `Y${pattern}`, rewriteSubject: `Z${pattern}` }

/** Asked by HTTP: its scanner alone. */
export const rspamdScanner = rspamdWith(
  ({ place }) =>
    `worker "normal" { bind_socket = "127.0.0.1:${'port' in place ? place.port : 0}"; count = 1; }`,
)

export const rspamd = rspamdWith(({ place }) => {
  const bind = 'port' in place ? `127.0.0.1:${place.port}` : `${place.socket.slice('unix:'.length)} mode=0600`
  return `
worker "rspamd_proxy" {
  bind_socket = "${bind}"; milter = yes; count = 1; timeout = 10s;
  upstream "local" { default = yes; self_scan = yes; }
}`
})

function rspamdWith(worker: (start: Parameters<MilterProgram['start']>[0]) => string): MilterProgram {
  return {
    program: 'rspamd',
    // Its workers end with it.
    signal: 'SIGTERM',
    start(start) {
      const { folder } = start
      // Its own list takes half a minute to compile.
      const domains = join(folder, 'domains')
      writeFileSync(domains, 'test\n')
      return {
        // Insecure: as the user who runs the tests, and be it root.
        parameters: (file) => ['-f', '-i', '-c', file],
        configuration: `
options {
  pidfile = "${join(folder, 'pid')}"; tempdir = "${folder}"; filters = ""; enable_test_patterns = true; url_tld = "${domains}";
  dns { nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }
}
actions { reject = 15; rewrite_subject = 8; add_header = 6; }
logging { type = "console"; level = "error"; }
${worker(start)}
`,
      }
    },
  }
}
