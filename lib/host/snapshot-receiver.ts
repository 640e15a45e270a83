/**
 * Takes the chunks of a snapshot from a link straight into the store's installer; the core sees only the beginning and the end.
 *
 * Always holds: a link is paused while more than WINDOW_BYTES of it wait for the store (L4, R2); a snapshot whose link closes
 * before its end is aborted and leaves the store as it was.
 * Before: links (chunks), log-writer (effect installSnapshot, in its turn). After: storage.installSnapshot, input snapshotInstalled or snapshotAborted.
 */
import type { Effect } from '../core/effect.js'
import type { Input } from '../core/input.js'
import type { LinkId } from '../model/ids.js'
import type { Storage } from '../storage/storage.js'

type InstallEffect = Extract<Effect, { readonly kind: 'installSnapshot' }>

const WINDOW_BYTES = 2 * 1024 * 1024

interface Stream {
  readonly chunks: Uint8Array[]
  bytes: number
  state: 'open' | 'ended' | 'broken'
  paused: boolean
  wake: (() => void) | undefined
}

export interface SnapshotReceiverPorts {
  readonly storage: Pick<Storage, 'installSnapshot'>
  /** Resolves when no checkpoint is under way: the two never overlap. */
  readonly checkpointSettled: () => Promise<void>
  readonly pause: (link: LinkId) => void
  readonly resume: (link: LinkId) => void
}

export class SnapshotReceiver {
  readonly #ports: SnapshotReceiverPorts
  readonly #streams = new Map<LinkId, Stream>()

  constructor(ports: SnapshotReceiverPorts) {
    this.#ports = ports
  }

  /**
   * `snapshotBegin` has arrived on this link: what follows is kept until the core's effect comes. A learner is offered another snapshot only
   * when the one before is settled: a whole one that still waits here was never asked for.
   */
  begin(link: LinkId): void {
    this.linkClosed(link)
    for (const [other, { state }] of this.#streams) if (state === 'ended') this.#streams.delete(other)
    this.#streams.set(link, { chunks: [], bytes: 0, state: 'open', paused: false, wake: undefined })
  }

  /** False when no snapshot is under way on this link: a breach of the protocol. */
  chunk(link: LinkId, bytes: Uint8Array): boolean {
    const stream = this.#streams.get(link)
    if (stream?.state !== 'open') return false
    stream.chunks.push(bytes)
    stream.bytes += bytes.byteLength
    if (stream.bytes > WINDOW_BYTES && !stream.paused) {
      stream.paused = true
      this.#ports.pause(link)
    }
    stream.wake?.()
    return true
  }

  end(link: LinkId): boolean {
    const stream = this.#streams.get(link)
    if (stream?.state !== 'open') return false
    stream.state = 'ended'
    stream.wake?.()
    return true
  }

  linkClosed(link: LinkId): void {
    const stream = this.#streams.get(link)
    // What arrived whole is installed whole, now or when its turn in the log's queue comes: the proposals behind it may wait there too, and
    // they follow no other history. A broken one has nothing behind it.
    if (stream === undefined || stream.state === 'ended') return
    this.#streams.delete(link)
    stream.state = 'broken'
    stream.wake?.()
  }

  /** Rejects only for the store's own failures. */
  async install(effect: InstallEffect): Promise<Input> {
    const stream = this.#streams.get(effect.link)
    if (stream === undefined) return { kind: 'snapshotAborted', op: effect.op }
    await this.#ports.checkpointSettled()
    const { zxid, time, digest } = effect.begin
    const installer = await this.#ports.storage.installSnapshot({ zxid, time, digest })
    for (;;) {
      const chunk = stream.chunks.shift()
      if (chunk !== undefined) {
        await installer.write(chunk)
        stream.bytes -= chunk.byteLength
        if (stream.paused && stream.bytes * 2 <= WINDOW_BYTES) {
          stream.paused = false
          this.#ports.resume(effect.link)
        }
      } else if (stream.state === 'ended') {
        const image = await installer.finish()
        if (this.#streams.get(effect.link) === stream) this.#streams.delete(effect.link)
        return { kind: 'snapshotInstalled', op: effect.op, image }
      } else if (stream.state === 'broken') {
        await installer.abort()
        return { kind: 'snapshotAborted', op: effect.op }
      } else {
        await new Promise<void>(resolve => {
          stream.wake = resolve
        })
        stream.wake = undefined
      }
    }
  }

  /** The peer stops: whatever is not complete is aborted. */
  close(): void {
    for (const link of [...this.#streams.keys()]) this.linkClosed(link)
    this.#streams.clear()
  }
}
