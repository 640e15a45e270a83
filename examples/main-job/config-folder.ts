/**
 * Keeps a subtree in step with a folder: each file is a znode with the file's parsed JSON, each folder a znode without data. Only the leader
 * runs it, so there is one writer; who becomes leader starts with a full comparison, so nothing is lost by a change of leader. A file that
 * cannot be loaded is told and keeps its znode as it was; it does not stand in the way of the others.
 */
import { watch } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Client, hasCode } from 'vivarium'

/** An editor writes a file in several steps: look when it has done. */
const SETTLE_MS = 50
/** In place of JSON text; no JSON is empty. */
const UNREADABLE = ''

export class ConfigFolder {
  readonly #client: Client<unknown>
  readonly #folder: string
  readonly #root: string
  readonly #say: (text: string) => void
  #stopWatching: (() => void) | undefined
  #running: Promise<void> = Promise.resolve()
  #again = false
  /** What cannot be loaded, by file, and why: told once, not at every comparison. */
  #complaints = new Map<string, string>()

  constructor(client: Client<unknown>, folder: string, root: string, say: (text: string) => void) {
    this.#client = client
    this.#folder = folder
    this.#root = root
    this.#say = say
  }

  start(): void {
    if (this.#stopWatching !== undefined) return
    const failed = (error: Error) => this.#say(`cannot watch ${this.#folder}: ${error.message}`)
    try {
      const watcher = watch(this.#folder, { recursive: true }, () => this.#soon())
      watcher.on('error', failed)
      this.#stopWatching = () => watcher.close()
      this.#soon()
    } catch (error) {
      failed(error as Error) // there is no such folder, or it cannot be read
    }
  }

  /** Resolves when a comparison that is under way has ended. */
  async stop(): Promise<void> {
    this.#stopWatching?.()
    this.#stopWatching = undefined
    await this.#running
  }

  /** One comparison at a time; what happens meanwhile makes one more. */
  #soon(): void {
    if (this.#again) return
    this.#again = true
    this.#running = this.#running.then(async () => {
      await setTimeout(SETTLE_MS)
      this.#again = false
      if (this.#stopWatching === undefined) return
      await this.#compare().catch((error: Error) => this.#say(`configuration not loaded: ${error.message}`))
    })
  }

  async #compare(): Promise<void> {
    const complaints = new Map<string, string>()
    const wanted = await this.#read(complaints)
    await this.#client.create(this.#root, undefined, { parents: true, ifMissing: true })
    const present = new Map<string, string>()
    for await (const { path, value } of this.#client.walk(this.#root)) present.set(path, JSON.stringify(value))
    for (const [path, text] of wanted) {
      if (text === UNREADABLE || present.get(path) === text) continue
      try {
        if (present.has(path)) await this.#client.set(path, parse(text))
        else await this.#client.create(path, parse(text), { ifMissing: true, parents: true })
      } catch (error) {
        if (!hasCode(error, 'DATA_TOO_LARGE') && !hasCode(error, 'BAD_ARGUMENTS')) throw error
        complaints.set(path, (error as Error).message)
      }
    }
    const gone = [...present.keys()].filter(path => path !== this.#root && !wanted.has(path))
    for (const path of gone.reverse()) await this.#client.delete(path, { ifExists: true })
    for (const [file, why] of complaints) {
      if (this.#complaints.get(file) !== why) this.#say(`${file} is left as it was: ${why}`)
    }
    this.#complaints = complaints
  }

  /** Canonical JSON text by path, parents first; undefined for a folder. A file that is not JSON keeps its znode, and the others are loaded. */
  async #read(complaints: Map<string, string>): Promise<Map<string, string | undefined>> {
    const found = new Map<string, string | undefined>()
    const entries = await readdir(this.#folder, { recursive: true, withFileTypes: true })
    const paths = entries.map(entry => ({ entry, path: join(entry.parentPath, entry.name) }))
    for (const { entry, path } of paths.sort((a, b) => (a.path < b.path ? -1 : 1))) {
      const znode = `${this.#root}/${relative(this.#folder, path).split(sep).join('/')}`
      if (entry.isDirectory()) found.set(znode, undefined)
      else if (entry.name.endsWith('.json')) {
        try {
          found.set(znode, JSON.stringify(JSON.parse(await readFile(path, 'utf8'))))
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue // deleted since the folder was listed
          found.set(znode, UNREADABLE)
          complaints.set(path, (error as Error).message)
        }
      }
    }
    return found
  }
}

function parse(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text)
}
