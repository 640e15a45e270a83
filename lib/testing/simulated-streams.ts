/**
 * History and snapshots on their way from the disk of a simulated leader: in batches, with time between them, as far as the log is durable when a stream
 * gets there. At most one for a link; it ends with the link, or with its peer. Mirrors host/history-sender.ts.
 */
import type { Effect } from '../core/effect.js'
import type { LinkId } from '../model/ids.js'
import { isAfter, isAtMost, type Zxid } from '../model/zxid.js'
import type { SimulatedPeer } from './simulated-peer.js'
import type { World } from './world.js'

type HistoryEffect = Extract<Effect, { readonly kind: 'sendHistory' }>

const BATCH_ENTRIES = 8

export class SimulatedStreams {
  readonly #peer: SimulatedPeer
  readonly #world: World
  readonly #tokens = new Map<LinkId, object>()

  constructor(peer: SimulatedPeer, world: World) {
    this.#peer = peer
    this.#world = world
  }

  end(link: LinkId): void {
    this.#tokens.delete(link)
  }

  clear(): void {
    this.#tokens.clear()
  }

  sendSnapshot(effect: Extract<Effect, { readonly kind: 'sendSnapshot' }>): void {
    const { network } = this.#world
    const { disk } = this.#peer
    const image = this.#peer.read(() => disk.image())
    if (image === undefined) return
    this.#world.tell(observer => observer.snapshotSent?.(this.#peer, image))
    const { zxid, time, digest } = image
    network.send(effect.link, { kind: 'snapshotBegin', zxid, time, digest })
    const token = this.#begin(effect.link)
    this.#world.after(this.#world.streamDelayMs(), () => {
      if (this.#tokens.get(effect.link) !== token) return
      network.send(effect.link, { kind: 'snapshotImage', image })
      this.sendHistory(effect, zxid)
    })
  }

  sendHistory({ link, upTo, as }: Omit<HistoryEffect, 'kind' | 'after'>, after: Zxid): void {
    const { disk } = this.#peer
    const token = this.#begin(link)
    let reached = after
    const end = (): void => {
      this.end(link)
      this.#peer.receive({ kind: 'syncStreamEnded', link, zxid: reached })
    }
    const next = (): void => {
      if (this.#tokens.get(link) !== token) return
      const batch = this.#peer.read(() => disk.historyAfter(reached, BATCH_ENTRIES))
      if (disk.failed) return
      if (batch === undefined) {
        this.end(link)
        this.#world.network.disconnect(link)
        return
      }
      for (const proposal of batch) {
        if (as === 'inform' && isAfter(proposal.zxid, upTo)) return end()
        this.#world.tell(observer => observer.streamed?.(this.#peer, link, proposal))
        this.#world.network.send(link, { kind: as, proposal })
        reached = proposal.zxid
      }
      if (batch.length < BATCH_ENTRIES && isAtMost(upTo, reached)) return end()
      this.#world.after(this.#world.streamDelayMs(), next)
    }
    this.#world.after(this.#world.streamDelayMs(), next)
  }

  #begin(link: LinkId): object {
    const token = {}
    this.#tokens.set(link, token)
    return token
  }
}
