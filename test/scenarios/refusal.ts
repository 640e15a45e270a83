/**
 * What every test of bad input asserts beside the refusal itself: it is a ZooKeeperError with a stable code, the tree is as it was, no
 * rejection went unheard, and nothing is left that would keep the process alive. Everything is waited for by condition.
 */
import { expect } from 'chai'
import type { ErrorCode, LogFields, Logger, Outcome, Peer } from '../../lib/index.js'
import { ZooKeeperError } from '../../lib/index.js'

/** The error that a call must reject with, or a function must throw. */
export async function refused(
  call: PromiseLike<unknown> | (() => unknown),
  code: ErrorCode | readonly ErrorCode[],
): Promise<ZooKeeperError> {
  let value: unknown
  try {
    value = await (typeof call === 'function' ? call() : call)
  } catch (error) {
    if (!(error instanceof ZooKeeperError)) throw new Error(`not a ZooKeeperError: ${error}`, { cause: error })
    expect(error.code, error.message).to.be.oneOf(typeof code === 'string' ? [code] : code)
    expect(error.outcome).to.be.oneOf(['not-applied', 'unknown'] satisfies Outcome[])
    expect(error.message).to.match(/^[A-Z_]+: ./)
    return error
  }
  throw new Error(`resolved with ${String(value)} instead of ${code}`)
}

export async function until(what: string, holds: () => boolean, withinMs = 8000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** All that a replica holds: paths with data, versions and ACL versions. */
export function contents(peer: Peer): Map<string, string> {
  const found = new Map<string, string>()
  const ahead = ['/']
  for (let path = ahead.pop(); path !== undefined; path = ahead.pop()) {
    const { data, stat } = peer.view.get(path)!
    const { version, aversion, cversion, mzxid, pzxid } = stat
    const text = data === null ? 'null' : `${data.length} ${Buffer.from(data.subarray(0, 64)).toString('hex')}`
    found.set(path, `${text} ${version} ${aversion} ${cversion} ${mzxid} ${pzxid}`)
    for (const child of peer.view.children(path)!) ahead.push(path === '/' ? `/${child}` : `${path}/${child}`)
  }
  return found
}

/** A logger that keeps what was said. */
export class Heard implements Logger {
  readonly lines: string[] = []
  readonly debug = this.#hear('debug')
  readonly info = this.#hear('info')
  readonly warn = this.#hear('warn')
  readonly error = this.#hear('error')

  has(...words: readonly string[]): boolean {
    return this.lines.some(line => words.every(word => line.includes(word)))
  }

  #hear(level: string) {
    return (message: string, fields?: LogFields) => {
      this.lines.push(`${level} ${message} ${JSON.stringify(fields, (_, value) => String(value) && value)}`)
    }
  }
}

/** For an outer `describe`, so that inner hooks close first: fails each test that leaves a rejection unheard or a handle open. */
export function leavesNothing(): void {
  const unheard: unknown[] = []
  const hear = (reason: unknown) => unheard.push(reason)
  let before: string[]
  beforeEach(async () => {
    unheard.length = 0
    process.on('unhandledRejection', hear)
    // Mocha's own timer runs from the first await of a hook on, here as there.
    await new Promise(resolve => setImmediate(resolve))
    before = handles()
  })
  afterEach(async () => {
    try {
      const deadline = performance.now() + 2000
      do await new Promise(resolve => setImmediate(resolve))
      while (surplus(handles(), before).length > 0 && performance.now() < deadline)
      expect(surplus(handles(), before), 'left open').to.deep.equal([])
      expect(unheard).to.deep.equal([])
    } finally {
      process.off('unhandledRejection', hear)
    }
  })
}

/** Without what ends by itself in this turn. */
function handles(): string[] {
  return process.getActiveResourcesInfo().filter(name => !['Immediate', 'TickObject'].includes(name))
}

function surplus(now: readonly string[], before: readonly string[]): string[] {
  const known = [...before]
  return now.filter(name => {
    const at = known.indexOf(name)
    if (at >= 0) known.splice(at, 1)
    return at < 0
  })
}
