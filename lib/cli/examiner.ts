/**
 * A process of its own that opens LevelDB databases for an examination: over some damaged tables LevelDB ends the process that reads them,
 * by an assertion, and whoever examines damage must outlive that.
 *
 * This file is both ends: `Examiner`, and what runs in the child, which is started with this file as its program. They talk in plain data.
 * Before: examination.ts. After: storage/level/tree-examination.ts, log-examination.ts.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Replica } from '../core/replica.js'
import { type StateDigest, sameDigest } from '../model/digest.js'
import { sameZxid, ZERO } from '../model/zxid.js'
import { type Database, ForeignDatabase, openDatabase, requireLabel } from '../storage/level/database.js'
import { type FaultList, Faults } from '../storage/level/examination-faults.js'
import { levelCause, reasonOf } from '../storage/level/fail-stop.js'
import { examineLog, type LogExamination, type TreeSays } from '../storage/level/log-examination.js'
import { examineTree, type TreeExamination } from '../storage/level/tree-examination.js'

const CHILD = '--examine-for-parent'

/** Nothing can be said of what is in it. */
export interface Unreadable {
  readonly unreadable: string
  /** LevelDB ended the process that opened it. */
  readonly aborted?: true
}

/** Whose database it is, by its label; undefined where nobody knows whose it should be. */
export type Label = 'own' | "another directory's" | 'damaged' | undefined

export interface ExaminedTree extends TreeExamination {
  readonly label: Label
  /** Recomputed over all that is there. */
  readonly digest?: StateDigest
  /** No fault, and the digest is the one it was saved with: the whole state at its checkpoint, and nothing else. */
  readonly whole: boolean
}

export interface ExaminedLog extends LogExamination {
  readonly label: Label
}

type Task =
  | { readonly name: 'tree'; readonly copy: string; readonly incarnation: string | undefined }
  | {
      readonly name: 'log'
      readonly copy: string
      readonly incarnation: string | undefined
      readonly tree: TreeSays | undefined
    }
type LogTask = Extract<Task, { name: 'log' }>
type TreeTask = Extract<Task, { name: 'tree' }>

export class Examiner {
  #child: ChildProcess | undefined
  #words = ''

  examine(task: TreeTask): Promise<ExaminedTree | Unreadable>
  examine(task: LogTask): Promise<ExaminedLog | Unreadable>
  async examine(task: Task): Promise<ExaminedTree | ExaminedLog | Unreadable> {
    this.#child ??= this.#start()
    const child = this.#child
    const listening = new AbortController()
    const { signal } = listening
    const ended = once(child, 'close', { signal }).then(([code, by]): Unreadable => {
      const words = /Assertion .*/.exec(this.#words)?.[0] ?? this.#words.trim().split('\n').at(-1) ?? ''
      return {
        unreadable: `LevelDB ended the process that read it (${by ?? `code ${code}`}): ${words.slice(0, 300)}`,
        aborted: true,
      }
    })
    const answered = once(child, 'message', { signal }).then(([answer]) => answer as Unreadable)
    child.send(task)
    const result = await Promise.race([answered, ended])
    listening.abort()
    await Promise.allSettled([answered, ended])
    if ('aborted' in result) this.#child = undefined
    return result
  }

  async close(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.#child = undefined
    // Not 'close': who disconnects himself is not told of it.
    const exited = once(child, 'exit')
    child.disconnect()
    await exited
  }

  #start(): ChildProcess {
    this.#words = ''
    const program = fileURLToPath(import.meta.url)
    const child = fork(program, [CHILD], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    child.stderr!.on('data', (chunk: Buffer) => {
      this.#words = (this.#words + chunk.toString()).slice(-2000)
    })
    return child
  }
}

async function perform(task: Task): Promise<ExaminedTree | ExaminedLog | Unreadable> {
  let database: Database
  try {
    database = await openDatabase(task.copy, false)
  } catch (error) {
    const why = levelCause(error)?.message ?? reasonOf((error as Error).cause ?? error)
    return { unreadable: why.replaceAll(task.copy, task.name) }
  }
  try {
    const result = task.name === 'tree' ? await tree(task, database) : await log(task, database)
    return JSON.parse(JSON.stringify(result).replaceAll(task.copy, task.name))
  } finally {
    await database.close()
  }
}

async function tree({ incarnation }: TreeTask, database: Database): Promise<ExaminedTree> {
  const label = await labelIn(database, incarnation, 'tree')
  const { examination, image } = await examineTree(database)
  if (image === undefined) return { ...examination, label, whole: false }
  const intact = examination.faults.count === 0
  const faults = new Faults()
  const digest = await faults.during('the tree', async () => Replica.from(image).digest)
  // A new store has no digest yet, and nothing in it.
  const whole =
    digest !== undefined && (sameZxid(image.zxid, ZERO) ? examination.znodes === 0 : sameDigest(digest, image.digest))
  const all = { count: examination.faults.count + faults.count, named: [...examination.faults.named, ...faults.named] }
  const told: FaultList = { ...examination.faults, ...all }
  return {
    ...examination,
    faults: told,
    label,
    ...(digest === undefined ? {} : { digest }),
    whole: intact && whole,
  }
}

async function log({ incarnation, tree }: LogTask, database: Database): Promise<ExaminedLog> {
  return { label: await labelIn(database, incarnation, 'log'), ...(await examineLog(database, tree)) }
}

async function labelIn(database: Database, incarnation: string | undefined, name: 'log' | 'tree'): Promise<Label> {
  if (incarnation === undefined) return undefined
  try {
    await requireLabel(database, incarnation, name)
    return 'own'
  } catch (error) {
    return error instanceof ForeignDatabase ? "another directory's" : 'damaged'
  }
}

if (process.send !== undefined && process.argv[2] === CHILD) {
  process.on('message', async (task: Task) => {
    const result = await perform(task).catch((error: unknown): Unreadable => ({ unreadable: reasonOf(error) }))
    process.send!(result)
  })
}
