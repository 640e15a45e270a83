/**
 * What is made to fail, and how: strace answers the N-th call of a kind, on a file of the data directory, in the kernel's place. Its
 * counters are per thread: with one thread in libuv's pool that is the N-th of the peer, and the N-th of LevelDB's own thread, too.
 */
import { join } from 'node:path'

export interface Fault {
  readonly name: string
  readonly call: (typeof calls)[number][0]
  readonly error: (typeof calls)[number][1]
  /** The calls before it succeed; `+`: those after it fail, too. */
  readonly persistent: boolean
}

const calls = [
  ['fdatasync', 'EIO'],
  ['write', 'ENOSPC'],
  ['pwrite64', 'ENOSPC'],
  // Also of directories.
  ['fsync', 'EIO'],
  ['openat', 'EIO'],
  ['rename', 'EIO'],
  ['unlink', 'EIO'],
  ['read', 'EIO'],
  ['pread64', 'EIO'],
  // Of a directory's names. Nothing is truncated.
  ['getdents64', 'EIO'],
  ['openat', 'ENOSPC'],
  ['openat', 'EMFILE'],
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

/**
 * Every file of a data directory that matters; LevelDB's own diary (LOG) is left out: it may fail as it likes. Of reads, those of its write-ahead
 * files are, too: they come from the system's cache, for the store has just read the files itself (by pread64).
 */
export function filesOf(dataDir: string, call?: Fault['call']): string[] {
  const names = ['mark', 'identity', 'identity.new', 'first-start', 'owner']
  const files = [dataDir, ...names.map(name => join(dataDir, name))]
  for (const database of ['log', 'tree']) {
    files.push(join(dataDir, database), join(dataDir, database, 'CURRENT'), join(dataDir, database, 'LOCK'))
    for (let number = 1; number <= FILES; number++) {
      const digits = String(number).padStart(6, '0')
      const logs = call === 'read' ? [] : [`${digits}.log`]
      for (const name of [...logs, `${digits}.ldb`, `${digits}.dbtmp`, `MANIFEST-${digits}`]) {
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
  const trace = fault?.call ?? [...new Set(calls.map(([call]) => call))].join()
  const inject =
    fault === undefined
      ? []
      : ['-e', `inject=${fault.call}:error=${fault.error}:when=${at}${fault.persistent ? '+' : ''}`]
  const paths = filesOf(dataDir, fault?.call).flatMap(path => ['-P', path])
  return [
    'strace',
    '-f',
    '--seccomp-bpf',
    '-qq',
    '-y',
    '-o',
    output,
    ...paths,
    '-e',
    `trace=${trace}`,
    ...inject,
    ...command,
  ]
}

/** How often the busiest thread made each call, in strace's listing; reads of write-ahead files are not made to fail. */
export function callsIn(listing: string): Map<string, number> {
  const perThread = new Map<string, number>()
  for (const line of listing.split('\n')) {
    const [, thread, call] = /^(\d+) +(?!read\(\d+<[^>]*\.log>)(\w+)\(/.exec(line) ?? []
    if (thread !== undefined) perThread.set(`${thread} ${call}`, (perThread.get(`${thread} ${call}`) ?? 0) + 1)
  }
  const most = new Map<string, number>()
  for (const [key, count] of perThread) {
    const call = key.split(' ')[1]!
    most.set(call, Math.max(most.get(call) ?? 0, count))
  }
  return most
}
