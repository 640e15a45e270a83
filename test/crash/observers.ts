/**
 * The clients of a member that look on. One reads behind a sync, again and again, and reports what it saw and when. One watches: streams of
 * every writer's counter and of every member's beat, which must show the last value in the end, whatever happened meanwhile.
 *
 * A session that expires is followed by another one with new streams: only that may end a stream. Both report; the parent judges.
 */
import { firstValueFrom, lastValueFrom, merge, tap } from 'rxjs'
import type { Client } from '../../lib/client/client.js'
import { text } from '../../lib/client/codec.js'
import type { DataState } from '../../lib/client/streams.js'
import type { OpenedPeer } from '../../lib/host/peer.js'
import type { ZooKeeperError } from '../../lib/model/errors.js'
import { Chance } from './chance.js'
import type { FromMember, MemberConfig } from './protocol.js'
import { WRITERS } from './protocol.js'

const READ_PAUSE_MS = 50
const RETRY_PAUSE_MS = 50
/** Longer than any fault: the streams are to live through it. */
const WATCHING_SESSION_MS = 60_000

export class Observers {
  readonly #peer: OpenedPeer
  readonly #config: MemberConfig
  readonly #tell: (message: FromMember) => Promise<void>
  readonly #shown = new Map<string, DataState<string>>()
  #client: Promise<Client<string>> | undefined
  #beat = 0

  constructor(peer: OpenedPeer, config: MemberConfig, tell: (message: FromMember) => Promise<void>) {
    this.#peer = peer
    this.#config = config
    this.#tell = tell
    void this.#read(new Chance(config.seed, config.id, config.start, 1))
    void this.#watch()
  }

  /** Returns once it is written. */
  async beat(beat: number): Promise<void> {
    this.#beat = beat
    while (this.#beat === beat) {
      try {
        const client = await this.#watching()
        const path = beatPath(this.#config.id)
        await client.create(path, '', { parents: true, ifMissing: true })
        await client.set(path, String(beat), { timeout: 4000 })
        return
      } catch (error) {
        await this.#afterTrouble(error)
      }
    }
  }

  /** Paths of which the streams show something else than the replica holds, with what they show. */
  unseen(): string[] {
    return this.#paths().flatMap(path => {
      const held = this.#peer.view.get(path)?.stat.mzxid
      const shown = this.#shown.get(path)
      if (shown !== undefined && !shown.stale && shown.stat?.mzxid === held) return []
      const what = shown === undefined ? 'nothing' : `mzxid ${shown.stat?.mzxid}${shown.stale ? ', stale' : ''}`
      return [`${path} on member ${this.#config.id}: ${what}, the replica has ${held}`]
    })
  }

  #paths(): string[] {
    const counters = Array.from({ length: WRITERS }, (_, writer) => `/w/${writer}/counter`)
    return [...counters, ...this.#config.addresses.map((_, index) => beatPath(index + 1))]
  }

  /** One session for the streams and the beat. */
  #watching(): Promise<Client<string>> {
    this.#client ??= this.#peer.client({ codec: text, sessionTimeoutMs: WATCHING_SESSION_MS, timeout: 10_000 })
    return this.#client
  }

  async #watch(): Promise<never> {
    for (;;) {
      try {
        const client = await this.#watching()
        const streams = this.#paths().map(path => client.data$(path).pipe(tap(state => this.#show(path, state))))
        await lastValueFrom(merge(...streams))
        await this.#tell({
          kind: 'violation',
          what: `all streams of member ${this.#config.id} have ended by themselves`,
        })
      } catch (error) {
        await this.#afterTrouble(error)
      }
    }
  }

  #show(path: string, state: DataState<string>): void {
    this.#shown.set(path, state)
    const [, folder, number] = path.split('/')
    if (folder !== 'beat' || state.stale || !state.exists || state.value === undefined) return
    void this.#tell({ kind: 'seen', beater: Number(number), beat: Number(state.value) })
  }

  async #read(chance: Chance): Promise<never> {
    let client: Client<string> | undefined
    for (;;) {
      try {
        client ??= await this.#peer.client({ codec: text, sessionTimeoutMs: 3000, timeout: 4000 })
        const path = `/w/${chance.between(0, WRITERS - 1)}/counter`
        const startedAt = process.hrtime.bigint()
        const zxid = await client.sync()
        const { stat } = await client.get(path)
        const endedAt = process.hrtime.bigint()
        const { id } = this.#config
        await this.#tell({ kind: 'confirmed read', member: id, zxid, path, version: stat.version, startedAt, endedAt })
        await pause(READ_PAUSE_MS)
      } catch (error) {
        const { code } = error as ZooKeeperError
        if (code === 'SESSION_EXPIRED' || code === 'CLOSED') client = undefined
        await this.#afterTrouble(error, code === 'NO_NODE')
      }
    }
  }

  async #afterTrouble(error: unknown, expected = false): Promise<void> {
    const { code, message } = error as ZooKeeperError
    if (!expected && code !== 'SESSION_EXPIRED' && code !== 'CLOSED' && code !== 'CONNECTION_LOSS')
      await this.#tell({ kind: 'violation', what: `an observer of member ${this.#config.id}: ${message}` })
    // What could not be opened, or has ended, is opened anew.
    const watching = this.#client
    const client = await watching?.catch(() => undefined)
    const state = client === undefined ? 'closed' : await firstValueFrom(client.state$, { defaultValue: 'closed' })
    if ((state === 'closed' || state === 'expired') && this.#client === watching) this.#client = undefined
    await pause(RETRY_PAUSE_MS)
  }
}

function beatPath(member: number): string {
  return `/beat/${member}`
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
