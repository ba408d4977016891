// How much processor time a server took, exactly: a cpuacct control group counts every process in it, those that have ended
// included. Where no such group can be made, the ticks of /proc have to do (coarse for short-lived processes).
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { usageOf } from './server.ts'

const groups = '/sys/fs/cgroup/cpuacct'

/** Seconds of processor time since the last call. */
export interface CpuMeter extends Disposable {
  readonly exact: boolean
  take(): number
}

/** Meters these processes and all that they start from now on. `pids` is asked again where ticks are read. */
export function meterCpu(pids: () => number[]): CpuMeter {
  const group = `${groups}/posthorn-bench-${process.pid}-${pids()[0] ?? 0}`
  try {
    mkdirSync(group)
    for (const pid of pids()) writeFileSync(`${group}/cgroup.procs`, String(pid))
    return groupMeter(group)
  } catch {
    return tickMeter(pids)
  }
}

function groupMeter(group: string): CpuMeter {
  const used = (): number => Number(readFileSync(`${group}/cpuacct.usage`, 'latin1')) / 1e9
  let last = used()
  return {
    exact: true,
    take() {
      const now = used()
      const spent = now - last
      last = now
      return spent
    },
    [Symbol.dispose]() {
      try {
        for (const pid of readFileSync(`${group}/cgroup.procs`, 'latin1').split('\n')) {
          if (pid !== '') writeFileSync(`${groups}/cgroup.procs`, pid)
        }
        rmdirSync(group)
      } catch {
        // A process that is just ending keeps the group busy; an empty group left behind costs nothing.
      }
    },
  }
}

function tickMeter(pids: () => number[]): CpuMeter {
  let last = usageOf(pids()).cpuSeconds
  return {
    exact: false,
    take() {
      const now = usageOf(pids()).cpuSeconds
      const spent = now - last
      last = now
      return spent
    },
    [Symbol.dispose]() {},
  }
}
