/**
 * One run of errors of the system: a victim's disk fails at one call, in many victims one after another, and what each had acknowledged
 * is looked for afterwards. What must hold at every point (D2, D7): the peer says why, acknowledges nothing more, leaves nothing behind
 * that keeps its process alive; a restart finds everything acknowledged, and works.
 *
 * Half of the points begin with an empty directory, half with one that an earlier run has filled. A call that failed and did no harm
 * (LevelDB may try again, or may not need what it could not write) is allowed; it must still lose nothing.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Chance } from '../crash/chance.js'
import { type Acknowledged, linesOf, type VictimConfig, type VictimLine, verify } from './evidence.js'
import { callsIn, faults, straced } from './faults.js'

export interface DiskErrorOptions {
  readonly points: number
  readonly seed: number
  readonly say: (line: string) => void
  /** Shows that the test finds a bug: the errors of the store's appends are swallowed. */
  readonly plant?: boolean
}

export interface DiskErrorResult {
  readonly violations: readonly string[]
  readonly points: number
  readonly failStops: number
  readonly refusedStarts: number
  readonly unharmed: number
  readonly acknowledged: number
  readonly fullDisks: number
  /** Why a part was left out. */
  readonly skipped: readonly string[]
}

/** Long enough for a busy machine; a process that takes longer does not end by itself. */
const PATIENCE_MS = 60_000
const DISK_KIB = [512, 1024, 2048, 4096, 7168, 10_240]

interface Ended {
  readonly lines: readonly VictimLine[]
  readonly code: number | null
  readonly late: boolean
  readonly complaint: string
}

export function straceMissing(): string | undefined {
  const { error, status, stderr } = spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', 'true'], { encoding: 'utf8' })
  if (error !== undefined) return 'strace is not installed (Debian: apt-get install strace)'
  return status === 0 ? undefined : `strace may not trace here: ${stderr.trim()}`
}

/** Mounts are made in a mount namespace of their own, which is gone with the process. */
const inNamespace = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user']

export function mountsMissing(): string | undefined {
  const { error, status, stderr } = spawnSync(
    'unshare',
    [...inNamespace, 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /mnt'],
    { encoding: 'utf8' },
  )
  if (error !== undefined) return 'unshare is not installed'
  return status === 0 ? undefined : `mounting a tmpfs is not permitted here: ${stderr.trim()}`
}

export async function runDiskErrors({ points, seed, say, plant = false }: DiskErrorOptions): Promise<DiskErrorResult> {
  const chance = new Chance(seed)
  const violations: string[] = []
  const skipped: string[] = []
  const counts = { points: 0, failStops: 0, refusedStarts: 0, unharmed: 0, acknowledged: 0, fullDisks: 0 }
  const root = await mkdtemp(join(tmpdir(), 'vivarium-disk-errors-'))
  const victim = (dataDir: string, run: number): VictimConfig => ({
    dataDir,
    run,
    writes: 70,
    valueBytes: 24 * 1024,
    checkpointLogBytes: 512 * 1024,
    plant,
  })

  const noStrace = straceMissing()
  if (noStrace !== undefined) skipped.push(`errors of single calls: ${noStrace}`)
  else {
    const filled = join(root, 'filled')
    const before = await listed(victim(filled, 0), join(root, 'listing-0'))
    const used = await listed(victim(await copyOf(filled, join(root, 'used')), 1), join(root, 'listing-1'))
    say(`calls of the busiest thread: ${[...before.calls].map(([call, count]) => `${call} ${count}`).join(', ')}`)
    for (let tries = 0; counts.points < points && tries < 2 * points && violations.length === 0; tries++) {
      const fault = faults[tries % faults.length]!
      const fresh = chance.next() < 0.5
      const at = chance.between(1, (fresh ? before : used).calls.get(fault.call) ?? 1)
      const directory = join(root, `point-${tries}`)
      await mkdir(directory)
      const dataDir = join(directory, 'data')
      if (!fresh) await copyOf(filled, dataDir)
      const what = `${fault.name}, call ${at}, ${fresh ? 'first start' : 'used directory'}`
      const output = join(directory, 'calls')
      const ended = await ran(straced(commandOf(victim(dataDir, tries + 2)), { dataDir, output, fault, at }))
      // One thread more or less makes the count of calls differ a little: then nothing has failed.
      if (!(await readFile(output, 'utf8')).includes('(INJECTED)')) continue
      counts.points += 1
      const outcome = judge(ended, what, violations)
      const acknowledged = [...(fresh ? [] : before.acknowledged), ...acknowledgedIn(ended)]
      counts.acknowledged += acknowledged.length
      counts[outcome] += 1
      for (const violation of await verify(dataDir, acknowledged)) violations.push(`${what}: ${violation}`)
      say(`${String(counts.points).padStart(4)}  ${what}: ${outcome}, ${acknowledgedIn(ended).length} acknowledged`)
      if (violations.length === 0) await rm(directory, { recursive: true })
      else say(`the data are in ${directory}`)
    }
  }

  const noMounts = mountsMissing()
  if (noMounts !== undefined) skipped.push(`full disks: ${noMounts}`)
  else {
    for (const kib of DISK_KIB.slice(0, Math.max(2, Math.ceil(points / 30)))) {
      if (violations.length > 0) break
      const place = join(root, `disk-${kib}`)
      await mkdir(place)
      const what = `a disk of ${kib} KiB`
      const ended = await fullDisk(victim(join(place, 'data'), 0), kib, place, root)
      const outcome = judge(ended, what, violations)
      counts.fullDisks += 1
      counts.acknowledged += acknowledgedIn(ended).length
      if (outcome === 'unharmed') violations.push(`${what} was not filled`)
      const verified = ended.lines.find(line => line.kind === 'verified')
      for (const violation of verified?.violations ?? ['not verified']) violations.push(`${what}: ${violation}`)
      say(`      ${what}: ${outcome}, ${acknowledgedIn(ended).length} acknowledged`)
    }
  }
  if (violations.length === 0) await rm(root, { recursive: true, force: true })
  return { violations, skipped, ...counts }
}

/** What must hold of a victim, whatever failed. */
function judge(ended: Ended, what: string, violations: string[]): 'failStops' | 'refusedStarts' | 'unharmed' {
  const { lines, late, code, complaint } = ended
  const has = (kind: VictimLine['kind']) => lines.some(line => line.kind === kind)
  const reason = lines.find(line => line.kind === 'failed' || line.kind === 'refused' || line.kind === 'stopped')
  if (late) violations.push(`${what}: the process does not end`)
  else if (code !== 0) violations.push(`${what}: the process ended with code ${code}: ${complaint.slice(-2000)}`)
  if (has('wentOn')) violations.push(`${what}: a write was acknowledged after the failure`)
  if (reason !== undefined && !/STORAGE_FAILED|DATA_CORRUPT/.test(reason.message)) {
    violations.push(`${what}: the reason is not the disk: ${reason.message}`)
  }
  if (has('refused')) return 'refusedStarts'
  if (has('failed')) return 'failStops'
  if (has('stopped') && !has('closed') && reason?.kind === 'stopped') return 'failStops'
  if (!has('closed') && !late && code === 0) violations.push(`${what}: the victim ended without a word`)
  return 'unharmed'
}

function acknowledgedIn(ended: Ended): Acknowledged[] {
  return ended.lines.filter(line => line.kind === 'ok')
}

/** A victim whose disk is well: what it calls, and what it leaves. */
async function listed(
  config: VictimConfig,
  output: string,
): Promise<{ calls: ReadonlyMap<string, number>; acknowledged: readonly Acknowledged[] }> {
  const ended = await ran(straced(commandOf({ ...config, plant: false }), { dataDir: config.dataDir, output }))
  if (!ended.lines.some(line => line.kind === 'closed'))
    throw new Error(`the victim fails by itself: ${ended.complaint}`)
  return { calls: callsIn(await readFile(output, 'utf8')), acknowledged: acknowledgedIn(ended) }
}

async function copyOf(from: string, to: string): Promise<string> {
  await cp(from, to, { recursive: true })
  return to
}

/** In one mount namespace: a small disk, the victim, a larger disk, the verification. */
async function fullDisk(config: VictimConfig, kib: number, place: string, root: string): Promise<Ended> {
  const said = join(root, `said-${kib}`)
  const script = join(root, `full-${kib}.sh`)
  const quoted = (command: readonly string[]) => command.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  const lines = [
    'set -e',
    `mount -t tmpfs -o size=${kib}k tmpfs '${place}'`,
    `${quoted(commandOf(config))} | tee '${said}'`,
    `mount -o remount,size=64m '${place}'`,
    quoted(commandOf({ ...config, verify: said })),
  ]
  await writeFile(script, `${lines.join('\n')}\n`)
  return ran(['unshare', ...inNamespace, 'bash', '-o', 'pipefail', script])
}

/** What low-space.ts says of a disk of 16 MiB. */
export async function lowSpace(): Promise<readonly string[]> {
  const place = await mkdtemp(join(tmpdir(), 'vivarium-low-space-'))
  const program = fileURLToPath(new URL('./low-space.ts', import.meta.url))
  const script = 'mount -t tmpfs -o size=16m tmpfs "$0" && exec "$@"'
  const command = [
    'unshare',
    ...inNamespace,
    'sh',
    '-c',
    script,
    place,
    process.execPath,
    '--import',
    'tsx',
    program,
    place,
  ]
  try {
    const { stdout, stderr, status } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8', timeout: 50_000 })
    if (status !== 0) throw new Error(`low-space.ts ended with ${status}: ${stderr}`)
    return JSON.parse(stdout) as string[]
  } finally {
    await rm(place, { recursive: true })
  }
}

function commandOf(config: VictimConfig): string[] {
  const file = fileURLToPath(new URL('./victim.ts', import.meta.url))
  return [process.execPath, '--import', 'tsx', file, JSON.stringify(config)]
}

/** Runs it to its end, or kills it when it does not come to one. */
function ran([command, ...args]: readonly string[]): Promise<Ended> {
  // A group of its own: what it started ends with it.
  const child = spawn(command!, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    // One thread: the N-th call of the pool is the N-th call of the peer.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  })
  let said = ''
  let complaint = ''
  let late = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      late = true
      process.kill(-child.pid!, 'SIGKILL')
    }, PATIENCE_MS)
    child.once('error', reject)
    child.once('close', code => {
      clearTimeout(timer)
      resolve({ lines: linesOf(said), code, late, complaint })
    })
  })
}
