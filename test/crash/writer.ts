/**
 * One client that writes without pause: bursts of up to six calls, none awaited before the next is made, each reported as soon as it
 * has ended. What it expects of the answers of its own znodes it checks at once.
 *
 * Its znodes: `/w/<n>` with its creations below, `/w/<n>/counter` that nobody else sets; with all others `/shared`, `/seq`, `/eph`.
 */
import type { Client } from '../../lib/client/client.js'
import { text } from '../../lib/client/codec.js'
import { op } from '../../lib/client/transaction.js'
import type { OpenedPeer } from '../../lib/host/peer.js'
import type { ZooKeeperError } from '../../lib/model/errors.js'
import { Chance } from './chance.js'
import type { FromMember, MemberConfig, OperationKind, Written } from './protocol.js'

const weights = { create: 24, sequential: 8, set: 22, cas: 5, multi: 12, 'failing multi': 3, ephemeral: 6, delete: 26 }
/** So that a member that was away for a second has missed more than one that keeps little. */
const PADDING = ' '.repeat(1000)
/** Ends a session in good order now and then. */
const BURSTS_PER_SESSION = 300

interface Ended {
  readonly path?: string | undefined
  readonly version?: number
  readonly zxid?: bigint
}

export class Writer {
  readonly number: number
  readonly #peer: OpenedPeer
  readonly #tell: (message: FromMember) => Promise<void>
  readonly #chance: Chance
  readonly #config: Pick<MemberConfig, 'seed' | 'start' | 'pace' | 'plant'>
  readonly #created: string[] = []
  #client: Client<string> | undefined
  #count = 0
  #bursts = 0
  #version = 0
  /** An answer was missing: what is known of the counter may be wrong. */
  #trouble = true
  #resume: Promise<void> | undefined
  #go: (() => void) | undefined
  #idle: (() => void) | undefined

  constructor(
    peer: OpenedPeer,
    number: number,
    config: Pick<MemberConfig, 'seed' | 'start' | 'pace' | 'plant'>,
    tell: (message: FromMember) => Promise<void>,
  ) {
    this.#peer = peer
    this.number = number
    this.#config = config
    this.#tell = tell
    this.#chance = new Chance(config.seed, number, config.start)
  }

  /** Returns only after something that must not happen. */
  async run(): Promise<void> {
    for (;;) {
      if (this.#resume !== undefined) {
        this.#idle?.()
        await this.#resume
      }
      try {
        const client = await this.#open()
        if (this.#trouble) await this.#lookAround(client)
        await this.#burst(client)
        const { burstPauseMs } = this.#config.pace
        if (burstPauseMs > 0) await new Promise(resolve => setTimeout(resolve, burstPauseMs))
      } catch (error) {
        if (!(await this.#afterTrouble(error))) return
      }
    }
  }

  /** Resolves with the session when nothing is under way any more and the session is known to live. */
  async pause(): Promise<bigint> {
    const idle = new Promise<void>(resolve => {
      this.#idle = resolve
    })
    this.#resume = new Promise<void>(resolve => {
      this.#go = resolve
    })
    await idle
    for (;;) {
      try {
        const client = await this.#open()
        await client.sync('/', { timeout: 2000 })
        return client.session.id
      } catch (error) {
        await this.#afterTrouble(error)
      }
    }
  }

  resume(): void {
    this.#resume = undefined
    this.#go?.()
  }

  async #open(): Promise<Client<string>> {
    if (this.#client !== undefined && this.#bursts++ > BURSTS_PER_SESSION) {
      this.#bursts = 0
      await this.#client.close()
      this.#client = undefined
    }
    if (this.#client === undefined) {
      const { sessionTimeoutMs } = this.#config.pace
      this.#client = await this.#peer.client({ codec: text, sessionTimeoutMs, timeout: 4000 })
      await this.#tell({ kind: 'session', writer: this.number, session: this.#client.session.id })
    }
    return this.#client
  }

  async #lookAround(client: Client<string>): Promise<void> {
    for (const path of ['/shared', '/seq', '/eph']) await client.create(path, '', { ifMissing: true })
    const counter = `/w/${this.number}/counter`
    await client.create(counter, '', { ifMissing: true, parents: true })
    await client.sync()
    this.#version = (await client.get(counter)).stat.version
    this.#trouble = false
  }

  async #afterTrouble(error: unknown): Promise<boolean> {
    const { code, message } = error as ZooKeeperError
    this.#trouble = true
    if (this.#client !== undefined) await this.#leaveIfOver(this.#client, code)
    if (code !== 'SESSION_EXPIRED' && code !== 'CLOSED' && code !== 'CONNECTION_LOSS') {
      await this.#tell({ kind: 'violation', what: `writer ${this.number}: ${message}` })
      return false
    }
    await new Promise(resolve => setTimeout(resolve, 20))
    return true
  }

  async #leaveIfOver(client: Client<string>, code: string): Promise<void> {
    if ((code !== 'SESSION_EXPIRED' && code !== 'CLOSED') || this.#client !== client) return
    this.#client = undefined
    if (code === 'SESSION_EXPIRED') await this.#tell({ kind: 'expired', writer: this.number })
  }

  async #burst(client: Client<string>): Promise<void> {
    const calls: Promise<void>[] = []
    for (let left = this.#chance.between(1, 6); left > 0; left--) calls.push(this.#write(client))
    await Promise.all(calls)
  }

  #write(client: Client<string>): Promise<void> {
    const token = `${this.number}.${this.#config.start}.${++this.#count}`
    const data = token + PADDING
    const own = `/w/${this.number}/${token}`
    const counter = `/w/${this.number}/counter`
    const chosen = this.#chance.weighted(weights)
    switch (chosen) {
      case 'create':
        return this.#report(client, 'create', token, own, async () => {
          await client.create(own, data)
          this.#created.push(own)
          return {}
        })
      case 'sequential':
        return this.#report(client, 'sequential', token, undefined, async () => ({
          path: await client.create('/seq/n-', data, { sequential: true }),
        }))
      case 'set': {
        const version = this.#version++
        return this.#report(client, 'set', token, counter, async () =>
          this.#changed(version, await client.set(counter, data, { version })),
        )
      }
      case 'cas':
        return this.#report(client, 'cas', token, '/shared', async () => {
          const { stat } = await client.get('/shared')
          return this.#changed(stat.version, await client.set('/shared', data, { version: stat.version }))
        })
      case 'multi': {
        const version = this.#version++
        return this.#report(client, 'multi', token, own, async () => {
          const [, stat] = await client.multi([
            op.create(own, data),
            op.set(counter, data, { version }),
            op.check('/w'),
          ])
          this.#created.push(own)
          return this.#changed(version, stat)
        })
      }
      case 'failing multi':
        return this.#report(client, 'failing multi', token, own, async () => {
          await client.multi([op.create(own, data), op.check('/w', { version: 77 })])
          return {}
        })
      case 'ephemeral':
        return this.#report(client, 'ephemeral', token, `/eph/${token}`, async () => {
          await client.create(`/eph/${token}`, data, { ephemeral: true })
          return {}
        })
      case 'delete': {
        const path = this.#created.shift()
        if (path === undefined) return Promise.resolve()
        return this.#report(client, 'delete', path, path, async () => {
          // Known before it can take effect: this process may be killed before it can tell how it ended.
          await this.#tell({ kind: 'deleting', path })
          await client.delete(path)
          return {}
        })
      }
    }
  }

  #changed(from: number, stat: { readonly version: number; readonly mzxid: bigint }): Ended {
    if (stat.version !== from + 1) {
      void this.#tell({ kind: 'violation', what: `writer ${this.number}: version ${from} became ${stat.version}` })
    }
    return { version: stat.version, zxid: stat.mzxid }
  }

  async #report(
    client: Client<string>,
    operation: OperationKind,
    token: string,
    path: string | undefined,
    call: () => Promise<Ended>,
  ): Promise<void> {
    const startedAt = process.hrtime.bigint()
    let outcome: Written['outcome'] = 'ok'
    let code: string | undefined
    let ended: Ended = {}
    try {
      ended = await call()
    } catch (error) {
      const failure = error as ZooKeeperError
      code = failure.code
      outcome = isRefusal(failure.code) ? 'refused' : failure.outcome
      if (outcome === 'unknown' && this.#config.plant === 'unknown-is-ok') outcome = 'ok'
      if (outcome !== 'refused') {
        this.#trouble = true
        await this.#leaveIfOver(client, code)
      } else if (!this.#isExpected(operation, failure.code)) {
        const what = `writer ${this.number}: ${operation} ${path} was refused: ${failure.message}`
        await this.#tell({ kind: 'violation', what })
      }
    }
    const endedAt = process.hrtime.bigint()
    const { version, zxid } = ended
    await this.#tell({
      kind: 'written',
      writer: this.number,
      token,
      operation,
      outcome,
      code,
      session: client.session.id,
      path: ended.path ?? path,
      version,
      zxid,
      startedAt,
      endedAt,
    })
  }

  #isExpected(operation: OperationKind, code: string): boolean {
    if (operation === 'failing multi' || operation === 'cas') return code === 'BAD_VERSION'
    // After a gap in the burst the versions that were counted on are wrong.
    if (code !== 'BAD_VERSION' || !this.#trouble) return false
    return operation === 'set' || operation === 'multi'
  }
}

function isRefusal(code: string): boolean {
  return code === 'BAD_VERSION' || code === 'NODE_EXISTS' || code === 'NO_NODE' || code === 'NOT_EMPTY'
}
