/**
 * The main job, `npm start`: an ensemble of three processes on this machine, with live configuration.
 * Keys on a terminal: k kills the leader, r restarts who is not running, q or Ctrl-C ends. Without one, the printed commands do the same.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type JobOptions, parseOptions } from './options.js'
import { type FromMember, MEMBER_IDS, type MemberStatus, type ToMember } from './protocol.js'
import { Screen, type StatusLine } from './screen.js'

const END_LIMIT_MS = 15_000

class Supervisor {
  readonly #options: JobOptions
  readonly #screen = new Screen(process.stdout)
  readonly #children = new Map<number, ChildProcess>()
  readonly #statuses = new Map<number, MemberStatus>()
  // Keeps the supervisor alive while no member runs: all may be killed and started again.
  readonly #alive = setInterval(() => {}, 60_000)
  #deadline: NodeJS.Timeout | undefined
  #failed = false
  #ending: Promise<void> | undefined

  constructor(options: JobOptions) {
    this.#options = options
  }

  start(): void {
    this.#screen.line(
      `three members, TCP on 127.0.0.1:${this.#options.basePort + 1}-${this.#options.basePort + 3}, data in ${this.#options.dataDir}`,
    )
    this.#screen.line(`edit a file in ${this.#options.configDir} and watch every member see it`)
    const keys = process.stdin.isTTY ? 'keys: k kill the leader, r restart it, q end' : 'no terminal: plain lines'
    this.#screen.line(`${keys}; restart from elsewhere: kill -USR2 ${process.pid}`)
    for (const id of MEMBER_IDS) this.#fork(id)
    if (process.stdin.isTTY) {
      process.stdin.setRawMode(true)
      process.stdin.on('data', keys => {
        for (const key of keys.toString()) this.#onKey(key)
      })
    }
    process.on('SIGINT', () => void this.end())
    process.on('SIGTERM', () => void this.end())
    process.on('SIGUSR2', () => this.#restart())
    if (this.#options.forMs !== undefined) this.#deadline = setTimeout(() => void this.end(), this.#options.forMs)
  }

  end(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    this.#screen.end()
    this.#screen.line('ending: sessions first, then the peers')
    clearTimeout(this.#deadline)
    const limit = setTimeout(() => {
      this.#screen.line(`not ended after ${END_LIMIT_MS / 1000} s: killing what is left`)
      this.#failed = true
      for (const child of this.#children.values()) child.kill('SIGKILL')
    }, END_LIMIT_MS)
    const children = [...this.#children.values()]
    await Promise.all(children.map(child => told(child, { kind: 'leave' }, 'left')))
    await Promise.all(children.map(child => told(child, { kind: 'close' }, undefined)))
    clearTimeout(limit)
    clearInterval(this.#alive)
    if (process.stdin.isTTY) {
      process.stdin.setRawMode(false)
      process.stdin.pause()
    }
    this.#screen.line('ended')
    process.exitCode = this.#failed ? 1 : 0
  }

  #fork(id: number): void {
    const member = fileURLToPath(new URL('./member.js', import.meta.url))
    const child = fork(member, [String(id), JSON.stringify(this.#options)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#children.set(id, child)
    child.on('message', (message: FromMember) => {
      if (message.kind === 'line') this.#screen.line(`member ${id}  ${message.text}`)
      else if (message.kind === 'status') {
        this.#statuses.set(id, message.status)
        if (this.#ending === undefined) this.#showStatus()
      }
    })
    child.on('exit', (code, signal) => {
      this.#children.delete(id)
      this.#statuses.delete(id)
      if (this.#ending === undefined) {
        this.#screen.line(
          `member ${id}  is gone: ${signal ?? `exit code ${code}`}; restart: r, or kill -USR2 ${process.pid}`,
        )
        this.#showStatus()
      }
      if (code !== 0 && signal === null) this.#failed = true
      // Not one could be opened, or none is left of those that could: there is nothing to supervise.
      if (this.#failed && this.#children.size === 0) void this.end()
    })
  }

  #onKey(key: string): void {
    if (key === 'k') this.#killLeader()
    else if (key === 'r') this.#restart()
    else if (key === 'q' || key === '\u0003') void this.end()
  }

  /** One that stands still goes on saying that it leads: the latest epoch has the word. */
  #leader(): number | undefined {
    const leading = [...this.#statuses].filter(([, { role, serving }]) => role === 'leading' && serving)
    return leading.sort(([, a], [, b]) => b.epoch - a.epoch)[0]?.[0]
  }

  #killLeader(): void {
    const leader = this.#leader()
    if (leader === undefined) {
      this.#screen.line('there is no leader now')
      return
    }
    this.#screen.line(`member ${leader}  killed with SIGKILL`)
    this.#children.get(leader)?.kill('SIGKILL')
  }

  #restart(): void {
    for (const id of MEMBER_IDS) {
      if (this.#children.has(id)) continue
      this.#screen.line(`member ${id}  starts again on the data it left`)
      this.#fork(id)
    }
  }

  #showStatus(): void {
    const statuses = [...this.#statuses.values()]
    const epoch = Math.max(0, ...statuses.map(status => status.epoch))
    const ahead = Math.max(0, ...statuses.filter(status => status.epoch === epoch).map(status => status.counter))
    const lines: StatusLine[] = MEMBER_IDS.map(id => {
      const status = this.#statuses.get(id)
      if (status === undefined) return { text: `member ${id}  not running`, news: 'not running' }
      const lag = status.epoch === epoch ? String(Math.max(0, ahead - status.counter)) : '?'
      const pid = this.#children.get(id)?.pid
      const serving = status.serving ? '' : '  (not serving)'
      return {
        text: `member ${id}  ${status.role.padEnd(9)} epoch ${status.epoch}  zxid ${status.zxid}  lag ${lag}  pid ${pid}${serving}`,
        news: `${status.role} ${status.epoch} ${status.serving} ${pid}`,
      }
    })
    const leader = this.#leader()
    const pid = leader === undefined ? undefined : this.#children.get(leader)?.pid
    const text = leader === undefined ? 'no leader' : `leader ${leader}: kill -9 ${pid}`
    this.#screen.status([...lines, { text, news: text }])
  }
}

/** Tells a child something and waits for its answer, or for its end. */
function told(child: ChildProcess, message: ToMember, answer: FromMember['kind'] | undefined): Promise<void> {
  return new Promise(resolve => {
    if (!child.connected) return resolve()
    child.once('exit', () => resolve())
    child.on('message', (heard: FromMember) => {
      if (heard.kind === answer) resolve()
    })
    child.send(message, error => {
      if (error !== null) resolve()
    })
  })
}

try {
  new Supervisor(parseOptions(process.argv.slice(2))).start()
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 2
}
