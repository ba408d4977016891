// The naive server as a program, to see how much memory it takes. Prints its port, and ends when its input does.
import { RealClock } from '../../src/net/real-clock.ts'
import { SocketNetwork } from '../../src/net/socket-network.ts'
import { NaiveMta } from './naive-mta.ts'

const clock = new RealClock()
const network = new SocketNetwork(clock)
const mta = new NaiveMta({ clock, dialer: network })
const point = { address: '127.0.0.1', port: 0, identity: null }
const listening = await network.listen(point, (connection) => mta.serve(connection))
process.stdout.write(`${listening.port}\n`)
process.stdin.resume().on('end', () => process.exit(0))
