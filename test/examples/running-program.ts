/**
 * A program under test as its user sees it: the lines it prints, its exit code. Waiting is for a stated line, with a deadline, and a
 * program that a failed test leaves behind is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const LINE_WAIT_MS = 30_000

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class RunningProgram {
  readonly lines: string[] = []
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  readonly #listeners = new Set<() => void>()
  #end: Ended | undefined

  constructor(command: string, args: readonly string[], options: { readonly cwd: string }) {
    this.#child = spawn(command, args, { cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream! }).on('line', line => {
        this.lines.push(line)
        this.#tell()
      })
    }
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject)
      this.#child.on('close', (code, signal) => {
        this.#end = { code, signal }
        resolve(this.#end)
        this.#tell()
      })
    })
  }

  /** The match of the first line, from line number `from` on, that `pattern` fits. Rejects at the program's end, too. */
  line(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    let next = from
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer)
        this.#listeners.delete(look)
        act()
      }
      const look = (): void => {
        for (; next < this.lines.length; next += 1) {
          const found = pattern.exec(this.lines[next]!)
          if (found === null) continue
          settle(() => resolve(found))
          return
        }
        if (this.#end !== undefined) settle(() => reject(this.#missing(pattern, 'before it ended')))
      }
      const timer = setTimeout(
        () => settle(() => reject(this.#missing(pattern, `within ${LINE_WAIT_MS / 1000} s`))),
        LINE_WAIT_MS,
      )
      this.#listeners.add(look)
      look()
    })
  }

  /** To it alone, as a supervisor would. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** For hooks: ends it and whatever it has started (it leads a group of its own), stopped processes included. */
  async kill(): Promise<void> {
    const { pid } = this.#child
    if (this.#end === undefined && pid !== undefined) process.kill(-pid, 'SIGKILL')
    await this.ended
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }

  #missing(pattern: RegExp, when: string): Error {
    return new Error(`no line ${pattern} ${when}; it printed:\n${this.lines.join('\n')}`)
  }
}
