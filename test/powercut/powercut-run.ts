/**
 * One run: in each round a process works with a store and is recorded; the power is cut at many places of the recording, and each image
 * is opened and compared. The next round goes on with one of the images, so that recovery and what follows it are cut too.
 *
 * A violation: an image that opens without something acknowledged or with something never written, in any mode; or one that is refused,
 * except where names were kept in no order at all (no journalling file system does that; the store must only not be silent then).
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Chance } from '../crash/chance.js'
import { DiskModel, dataModes, type NameMode } from './disk-model.js'
import { readImage, writeImage } from './image-files.js'
import { makePlan } from './plan.js'
import type { PlantedBug } from './planted.js'
import { type Operation, readTrace, record } from './trace.js'
import { type Verdict, verifyImage } from './verify.js'
import type { WorkloadPlan } from './workload.js'
import { after, NEW_WORLD, type Step, type Turn, type World } from './world.js'

export interface PowerCutOptions {
  readonly cuts: number
  readonly seed: number
  readonly planted?: PlantedBug | undefined
  readonly say: (line: string) => void
  /** Default: a sixth of them. */
  readonly cutsPerRound?: number
  readonly turnsPerRound?: number
}

export interface PowerCutResult {
  readonly violations: readonly string[]
  readonly cuts: number
  readonly verdicts: Readonly<Record<Verdict['kind'], number>>
  /** Images that were refused where names keep no order. */
  readonly refusedUnordered: number
  readonly acknowledged: number
  readonly operations: number
}

/** LevelDB begins a new write-ahead file after so many bytes: the smallest it takes, so that it does so often. */
const SMALL_BUFFER = 64 * 1024
const ACKS = 'acknowledged'
/** Every third round is a short one with a new directory: its cuts are in the first start. */
const FIRST_START = 1
const NEW: Start = { world: NEW_WORLD, directory: undefined }

interface Start {
  readonly world: World
  readonly directory: string | undefined
}

export async function runPowerCutTest(options: PowerCutOptions): Promise<PowerCutResult> {
  const { cuts, seed, say, cutsPerRound = Math.max(15, Math.ceil(cuts / 6)), turnsPerRound = 160 } = options
  const memory = '/dev/shm'
  const work = mkdtempSync(path.join(existsSync(memory) ? memory : tmpdir(), 'powercut-'))
  const violations: string[] = []
  const verdicts = { found: 0, lost: 0, refused: 0 }
  let [acknowledged, operations, refusedUnordered, done] = [0, 0, 0, 0]
  let start = NEW
  try {
    for (let round = 0; done < cuts; round++) {
      const chance = new Chance(seed, round)
      const fresh = round % 3 === FIRST_START
      const from = fresh ? NEW : start
      const turns = makePlan(chance, from.world, fresh ? 4 : turnsPerRound)
      const place = path.join(work, `round${round}`)
      const recorded = await recordRound(
        place,
        { turns, writeBufferBytes: SMALL_BUFFER, planted: options.planted },
        from.directory,
      )
      operations += recorded.operations.length
      const timeline = new Timeline(recorded.operations, turns, from.world)
      acknowledged += timeline.acknowledged
      const disk = new DiskModel(place, recorded.initial, recorded.operations)
      const here = Math.min(cutsPerRound, cuts - done)
      let next: Start | undefined
      for (let cut = 0; cut < here; cut++) {
        const at = timeline.place(chance)
        const names = chance.weighted<NameMode>({ posix: 3, journal: 1, unordered: 1 })
        const data = chance.pick(dataModes)
        const files = disk.image(at, names, data, chance)
        const image = path.join(work, 'image')
        writeImage(files, image)
        const verdict = await verifyImage(path.join(image, 'data'), timeline.worlds(at))
        verdicts[verdict.kind]++
        done++
        if (verdict.kind === 'refused' && names === 'unordered') refusedUnordered++
        else if (verdict.kind !== 'found') {
          violations.push(`round ${round}, cut at ${at} (${names}, ${data}), ${verdict.kind}: ${verdict.why}`)
        } else if (next === undefined && cut >= here / 2) {
          const directory = path.join(work, `start${round + 1}`)
          writeImage(files, directory)
          next = { world: verdict.world, directory }
        }
        rmSync(image, { recursive: true })
      }
      say(
        `round ${round}: ${turns.length} turns, ${recorded.operations.length} file operations, ${here} cuts, ${violations.length} violations`,
      )
      rmSync(place, { recursive: true })
      if (next !== undefined && !fresh) start = next
    }
    return { violations, cuts: done, verdicts, refusedUnordered, acknowledged, operations }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

interface Recording {
  readonly initial: ReadonlyMap<string, Buffer>
  readonly operations: readonly Operation[]
}

async function recordRound(place: string, plan: WorkloadPlan, start: string | undefined): Promise<Recording> {
  mkdirSync(place)
  if (start !== undefined) cpSync(start, place, { recursive: true })
  const initial = readImage(place)
  const beside = `${place}-beside`
  mkdirSync(beside)
  const [planFile, traceFile] = [path.join(beside, 'plan.json'), path.join(beside, 'trace')]
  writeFileSync(planFile, JSON.stringify(plan))
  const workload = path.join(import.meta.dirname, 'workload.ts')
  const data = path.join(place, 'data')
  await record(traceFile, [process.execPath, '--import', 'tsx', workload, planFile, data, path.join(place, ACKS)])
  const operations = await readTrace(traceFile, place)
  rmSync(beside, { recursive: true })
  return { initial, operations }
}

/** What had been begun and what had been acknowledged at each place of a recording. */
class Timeline {
  readonly #moments: { readonly at: number; readonly world: World; readonly underWay: readonly Step[] }[]
  /** Where a cut hurts most: right behind an acknowledgement, a name made or taken away, or a write to a MANIFEST. */
  readonly #tender: readonly number[]
  readonly #first: number
  readonly #last: number
  readonly acknowledged: number

  constructor(operations: readonly Operation[], turns: readonly Turn[], start: World) {
    const acks = acknowledgementsIn(operations)
    let world = start
    let underWay: Step[] = []
    this.#first = operations[0]!.begin
    this.#last = operations.at(-1)!.end
    this.#moments = [{ at: -1, world, underWay }]
    for (const { at, what, turn, step: index } of acks) {
      const step = turns[turn]![index]!
      if (what === 'begun') underWay = [...underWay, step]
      else {
        underWay = underWay.filter(other => other !== step)
        world = after(world, step)
      }
      this.#moments.push({ at, world, underWay })
    }
    const done = acks.filter(({ what }) => what === 'done')
    // Until a new write-ahead file has a durable name, each acknowledgement is at stake.
    const begun = operations.filter(op => op.kind === 'open' && op.create && op.path.endsWith('.log'))
    const atStake = begun.flatMap(({ end }) => done.filter(({ at }) => at > end).slice(0, 4))
    const named = operations.filter(({ kind }) => kind === 'rename' || kind === 'unlink' || kind === 'open')
    this.acknowledged = done.length
    const manifests = writesTo(operations, name => name.startsWith('MANIFEST-'))
    this.#tender = [
      done.map(({ at }) => at),
      atStake.map(({ at }) => at),
      named.map(({ end }) => end),
      manifests,
    ].flat()
    if (done.length !== turns.flat().length)
      throw new Error(`${done.length} steps of ${turns.flat().length} came to their end`)
  }

  place(chance: Chance): number {
    if (chance.next() < 0.3) return chance.between(this.#first, this.#last)
    return chance.pick(this.#tender) + chance.between(1, 3)
  }

  /** What a store may hold after a cut at `place`: each step under way done, or not. */
  worlds(place: number): readonly World[] {
    const moment = this.#moments.findLast(({ at }) => at < place)!
    let worlds = [moment.world]
    for (const step of moment.underWay) worlds = [...worlds, ...worlds.map(world => after(world, step))]
    return worlds
  }
}

/** Where writes to files of such names have ended. */
function writesTo(operations: readonly Operation[], wanted: (name: string) => boolean): number[] {
  const open = new Set<number>()
  const places: number[] = []
  for (const operation of operations) {
    if (operation.kind === 'open') {
      open.delete(operation.fd)
      if (wanted(path.basename(operation.path))) open.add(operation.fd)
    } else if (operation.kind === 'write' && open.has(operation.fd)) places.push(operation.end)
  }
  return places
}

interface Acknowledgement {
  readonly at: number
  readonly what: string
  readonly turn: number
  readonly step: number
}

function acknowledgementsIn(operations: readonly Operation[]): Acknowledgement[] {
  const found: Acknowledgement[] = []
  const fd = operations.find(operation => operation.kind === 'open' && path.basename(operation.path) === ACKS)
  if (fd?.kind !== 'open') throw new Error('the recording has no acknowledgements')
  // Opened first, closed never: the number is its own all the time.
  for (const operation of operations) {
    if (operation.kind !== 'write' || operation.fd !== fd.fd) continue
    const [what, turn, step] = operation.data.toString().trim().split(' ') as [string, string, string]
    found.push({ at: operation.begin, what, turn: Number(turn), step: Number(step) })
  }
  return found
}
