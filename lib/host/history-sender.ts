/**
 * Streams the log, or the last checkpoint and then the log, to a learner: the store's side of effects sendHistory and sendSnapshot.
 *
 * Always holds: never more than the connection's buffer in memory (waits for `drained`); a stream ends with its link; a voter's
 * stream goes on as far as the log is durable when it gets there, an observer's never past `upTo`; at the end the core hears the
 * last zxid sent, and joins the learner to the broadcast in that same step.
 * Before: perform. After: links; input syncStreamEnded.
 */
import type { Effect } from '../core/effect.js'
import type { Input } from '../core/input.js'
import type { PeerMessage } from '../core/zab/messages.js'
import { hasCode } from '../model/errors.js'
import type { LinkId } from '../model/ids.js'
import { isAfter, isAtMost, type Zxid } from '../model/zxid.js'
import type { Storage } from '../storage/storage.js'
import { storageFailed } from './storage-failure.js'

type HistoryEffect = Extract<Effect, { readonly kind: 'sendHistory' }>
type SnapshotEffect = Extract<Effect, { readonly kind: 'sendSnapshot' }>

export interface HistorySenderPorts {
  readonly storage: Pick<Storage, 'readHistory' | 'readSnapshot'>
  /** False when the caller had better wait for `drained`. */
  readonly send: (link: LinkId, message: PeerMessage) => boolean
  /** Resolves when the link takes more, or has closed. */
  readonly drained: (link: LinkId) => Promise<void>
  /** Resolves after the next group commit (the log may have grown), or when the log has stopped. */
  readonly logGrown: () => Promise<void>
  readonly disconnect: (link: LinkId, reason: string) => void
  readonly input: (input: Input) => void
}

export class HistorySender {
  readonly #ports: HistorySenderPorts
  readonly #streaming = new Set<LinkId>()
  readonly #running = new Set<Promise<void>>()

  constructor(ports: HistorySenderPorts) {
    this.#ports = ports
  }

  sendHistory(effect: HistoryEffect): void {
    this.#start(effect.link, () => this.#history(effect, effect.after))
  }

  sendSnapshot(effect: SnapshotEffect): void {
    this.#start(effect.link, async () => {
      const base = await this.#snapshot(effect.link)
      return base === undefined ? undefined : this.#history(effect, base)
    })
  }

  /** Its stream, if there is one, ends before its next message. */
  linkClosed(link: LinkId): void {
    this.#streaming.delete(link)
  }

  /** Resolves when no stream reads from the store any more. */
  async close(): Promise<void> {
    this.#streaming.clear()
    await Promise.all(this.#running)
  }

  #start(link: LinkId, stream: () => Promise<Zxid | undefined>): void {
    this.#streaming.add(link)
    const run = this.#run(link, stream).finally(() => this.#running.delete(run))
    this.#running.add(run)
  }

  async #run(link: LinkId, stream: () => Promise<Zxid | undefined>): Promise<void> {
    try {
      const zxid = await stream()
      if (zxid !== undefined && this.#streaming.delete(link)) this.#ports.input({ kind: 'syncStreamEnded', link, zxid })
    } catch (error) {
      const wanted = this.#streaming.delete(link)
      // Purged or cut while a slow learner was reading: it comes again and gets what there is now.
      if (hasCode(error, 'HISTORY_PURGED') || hasCode(error, 'HISTORY_CONFLICT')) {
        if (wanted) this.#ports.disconnect(link, 'the history it was reading is gone')
        return
      }
      this.#ports.input(storageFailed(error))
    }
  }

  /** Resolves with the snapshot's zxid; undefined when the link has closed meanwhile. */
  async #snapshot(link: LinkId): Promise<Zxid | undefined> {
    const reader = await this.#ports.storage.readSnapshot()
    try {
      const { zxid, time, digest } = reader
      if (!(await this.#send(link, { kind: 'snapshotBegin', zxid, time, digest }))) return undefined
      for await (const bytes of reader.chunks) {
        if (!(await this.#send(link, { kind: 'snapshotChunk', bytes }))) return undefined
      }
      return (await this.#send(link, { kind: 'snapshotEnd' })) ? zxid : undefined
    } finally {
      await reader.close()
    }
  }

  async #history({ link, upTo, as }: Omit<HistoryEffect, 'kind' | 'after'>, after: Zxid): Promise<Zxid | undefined> {
    let reached = after
    for (;;) {
      // Asked for before reading: a group commit that the reading just missed must not be waited for again.
      const grown = this.#ports.logGrown()
      for await (const batch of this.#ports.storage.readHistory(reached)) {
        for (const proposal of batch) {
          if (as === 'inform' && isAfter(proposal.zxid, upTo)) return reached
          if (!(await this.#send(link, { kind: as, proposal }))) return undefined
          reached = proposal.zxid
        }
      }
      if (isAtMost(upTo, reached)) return reached
      // The end of the log is not durable yet; it will be told, or the log has failed.
      if (!this.#streaming.has(link)) return undefined
      await grown
      if (!this.#streaming.has(link)) return undefined
    }
  }

  /** False when the stream is over because the link is. */
  async #send(link: LinkId, message: PeerMessage): Promise<boolean> {
    if (!this.#streaming.has(link)) return false
    if (!this.#ports.send(link, message)) await this.#ports.drained(link)
    return this.#streaming.has(link)
  }
}
