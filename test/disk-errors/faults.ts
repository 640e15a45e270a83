/**
 * What is made to fail, and how: strace answers the N-th call of a kind, on a file of the data directory, in the kernel's place. Its
 * counters are per thread: with one thread in libuv's pool that is the N-th of the peer, and the N-th of LevelDB's own thread, too.
 */
import { join } from 'node:path'

export interface Fault {
  readonly name: string
  readonly call: 'fdatasync' | 'fsync' | 'write' | 'pwrite64'
  readonly error: 'EIO' | 'ENOSPC'
  /** The calls before it succeed; `+`: those after it fail, too. */
  readonly persistent: boolean
}

const calls = [
  ['fdatasync', 'EIO'],
  ['write', 'ENOSPC'],
  ['pwrite64', 'ENOSPC'],
  ['fsync', 'EIO'],
] as const

export const faults: readonly Fault[] = calls.flatMap(([call, error]) =>
  [false, true].map(persistent => ({
    name: `${error} on ${call}${persistent ? ', from then on' : ''}`,
    call,
    error,
    persistent,
  })),
)

/** More numbers than a run uses. */
const FILES = 80

/** Every file of a data directory that matters; LevelDB's own diary (LOG) is left out: it may fail as it likes. */
export function filesOf(dataDir: string): string[] {
  const names = ['mark', 'identity', 'identity.new', 'first-start', 'owner']
  const files = [dataDir, ...names.map(name => join(dataDir, name))]
  for (const database of ['log', 'tree']) {
    files.push(join(dataDir, database))
    for (let number = 1; number <= FILES; number++) {
      const digits = String(number).padStart(6, '0')
      for (const name of [`${digits}.log`, `${digits}.ldb`, `${digits}.dbtmp`, `MANIFEST-${digits}`]) {
        files.push(join(dataDir, database, name))
      }
    }
  }
  return files
}

/** The command line that runs `command` with the fault at its `at`-th call; without a fault, its calls are only listed. */
export function straced(
  command: readonly string[],
  { dataDir, output, fault, at }: { dataDir: string; output: string; fault?: Fault | undefined; at?: number },
): string[] {
  const trace = fault?.call ?? 'fdatasync,fsync,write,pwrite64'
  const inject =
    fault === undefined
      ? []
      : ['-e', `inject=${fault.call}:error=${fault.error}:when=${at}${fault.persistent ? '+' : ''}`]
  const paths = filesOf(dataDir).flatMap(path => ['-P', path])
  return ['strace', '-f', '--seccomp-bpf', '-qq', '-o', output, ...paths, '-e', `trace=${trace}`, ...inject, ...command]
}

/** How often the busiest thread made each call, in strace's listing. */
export function callsIn(listing: string): Map<string, number> {
  const perThread = new Map<string, number>()
  for (const line of listing.split('\n')) {
    const [, thread, call] = /^(\d+) +(\w+)\(/.exec(line) ?? []
    if (thread !== undefined) perThread.set(`${thread} ${call}`, (perThread.get(`${thread} ${call}`) ?? 0) + 1)
  }
  const most = new Map<string, number>()
  for (const [key, count] of perThread) {
    const call = key.split(' ')[1]!
    most.set(call, Math.max(most.get(call) ?? 0, count))
  }
  return most
}
