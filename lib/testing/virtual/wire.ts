/**
 * One end of a connection between two processes of a world: a Connection as the host knows it, over a stream of bytes that is slow, may
 * be cut anywhere, and loses its rest when it breaks.
 *
 * Always holds (test/compliance/transport.ts): frames arrive in order and whole, or not from some point on; handlers are called in
 * events of their own, never from within a call of an owner; `closed` exactly once and last; who pauses fills the sender's buffer.
 * Before: virtual-network.ts makes pairs. After: the host's links.
 */
import { ZooKeeperError } from '../../model/errors.js'
import { invariant } from '../../model/invariant.js'
import { FRAME_HEADER_BYTES, FrameDecoder } from '../../transport/frame.js'
import {
  type Connection,
  type ConnectionHandlers,
  FIRST_FRAME_BYTES_MAX,
  FRAME_BYTES_MAX,
  SEND_BYTES_MAX,
} from '../../transport/transport.js'
import { framed, joined } from './frame-bytes.js'
import type { VirtualProcess } from './virtual-process.js'
import type { WireNetwork, Write } from './wire-network.js'

const SEND_MARK_BYTES = 1024 * 1024
/** As in transports/stream-link.ts. */
const FRAME_MS = 10_000

export class Wire implements Connection {
  readonly remote: string
  readonly process: VirtualProcess
  readonly #network: WireNetwork
  readonly #decoder = new FrameDecoder()
  #other!: Wire
  #handlers: ConnectionHandlers | undefined
  /** On their way to the other end. */
  #writes: Write[] = []
  #lastDue = 0
  #pumping = false
  #bufferedBytes = 0
  #wanted = false
  #sentFirst = false
  #damage: ((frame: Uint8Array) => Uint8Array) | undefined
  #paused = false
  #delivering = false
  #watching = false
  /** Nothing is delivered here any more: by this side's wish, or since the connection is lost. */
  #ended = false
  /** Ended in good order: what still comes is taken, and thrown away. */
  #lingers = false
  /** Its machine is gone, too: nobody answers. */
  #silent = false
  /** The other side has ended it, and everything before that has arrived. */
  #otherEnded = false
  #told = false

  private constructor(remote: string, process: VirtualProcess, network: WireNetwork) {
    this.remote = remote
    this.process = process
    this.#network = network
  }

  static pair(
    network: WireNetwork,
    one: { readonly remote: string; readonly process: VirtualProcess },
    two: { readonly remote: string; readonly process: VirtualProcess },
  ): [Wire, Wire] {
    const first = new Wire(one.remote, one.process, network)
    const second = new Wire(two.remote, two.process, network)
    first.#other = second
    second.#other = first
    return [first, second]
  }

  get other(): Wire {
    return this.#other
  }
  get ended(): boolean {
    return this.#ended
  }
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  start(handlers: ConnectionHandlers): void {
    invariant(this.#handlers === undefined, 'a connection is started once')
    this.#handlers = handlers
    this.#soon(() => this.#deliver())
  }

  send(parts: readonly Uint8Array[]): boolean {
    if (this.#ended) return true
    const frame = framed(parts)
    const length = frame.length - FRAME_HEADER_BYTES
    invariant(length <= FRAME_BYTES_MAX, 'a frame is within FRAME_BYTES_MAX')
    invariant(this.#sentFirst || length <= FIRST_FRAME_BYTES_MAX, 'the first frame is within FIRST_FRAME_BYTES_MAX')
    this.#sentFirst = true
    this.#write(frame)
    if (this.#bufferedBytes <= SEND_MARK_BYTES) return true
    if (this.#bufferedBytes > SEND_BYTES_MAX) {
      this.#break(new ZooKeeperError('OVERLOADED', `${this.remote} does not read: ${this.#bufferedBytes} bytes wait`))
      return false
    }
    this.#wanted = true
    return false
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#soon(() => this.#deliver())
  }

  close(): void {
    if (this.#ended) return
    this.#lingers = true
    this.#end(undefined)
    this.#queue([], true)
  }

  destroy(): void {
    if (this.#ended) return
    this.#end(undefined)
    this.#resetOther()
  }

  // --- what the network does to it

  /** This end learns that the connection is lost; what has not arrived never will. The other one finds out by itself. */
  lose(error: Error): void {
    if (!this.#ended) this.#end(error)
  }
  /** Its process is gone. @param silently nobody tells the other end */
  vanish(silently: boolean): void {
    this.#ended = true
    this.#told = true
    this.#silent = silently
    if (silently) this.#writes = []
    else this.#resetOther()
    this.#network.ended(this)
  }

  /** The next frame, its header with it, becomes another one on the way, as no checked stream would have it. */
  damageNext(damage: (frame: Uint8Array) => Uint8Array): void {
    this.#damage = damage
  }
  /** The way to the other end is free again. */
  unblocked(): void {
    this.#pump()
  }

  #write(whole: Uint8Array): void {
    const frame = this.#damage?.(whole) ?? whole
    this.#damage = undefined
    const other = this.#other
    if (other.#ended) {
      if (other.#lingers || other.#silent || this.#network.blocked(this)) return
      // The answer to it is a reset.
      this.#network.after(this.#network.delayMs(), () => this.process.enter(() => this.lose(lost(this.remote))))
      return
    }
    this.#bufferedBytes += frame.length
    const write = this.#writes.at(-1)
    if (write !== undefined && write.madeAt === this.#network.now() && !write.last && write.rest === undefined) {
      write.frames.push(frame)
    } else this.#queue([frame], false)
  }

  #queue(frames: Uint8Array[], last: boolean): void {
    const now = this.#network.now()
    const due = Math.max(this.#lastDue, now + this.#network.delayMs())
    this.#lastDue = due
    this.#writes.push({ due, madeAt: now, frames, rest: undefined, last })
    this.#pump()
  }

  #pump(): void {
    const write = this.#writes[0]
    const other = this.#other
    if (this.#pumping || write === undefined || other.#ended || other.#paused || this.#network.blocked(this)) return
    this.#pumping = true
    this.#network.after(write.due - this.#network.now(), () =>
      // A process that stands still leaves them in its socket.
      other.process.enter(() => {
        this.#pumping = false
        // All that is due by now.
        while (this.#arrive() && this.#writes[0] !== undefined && this.#writes[0].due <= this.#network.now());
        this.#pump()
      }),
    )
  }

  /** False when nothing can arrive now. */
  #arrive(): boolean {
    const other = this.#other
    const write = this.#writes[0]
    if (write === undefined || other.#ended || other.#paused || this.#network.blocked(this)) return false
    if (write.last) {
      this.#writes.shift()
      other.#otherEnded = true
      other.#deliver()
      return false
    }
    const bytes = write.rest ?? joined(write.frames)
    const first = this.#network.cut(this, bytes.length)
    if (first < bytes.length) {
      write.rest = bytes.subarray(first)
      write.due = this.#network.now() + this.#network.restMs(this)
    } else this.#writes.shift()
    const arrived = bytes.subarray(0, first)
    this.#credit(arrived.length)
    this.#network.arrived(other, arrived)
    other.#decoder.push(arrived)
    other.#deliver()
    // A buffer is used again: who has kept a view instead of a copy is to see it.
    if (!other.#paused) arrived.fill(0xa5)
    return true
  }

  #credit(bytes: number): void {
    this.#bufferedBytes -= bytes
    if (!this.#wanted || this.#bufferedBytes > SEND_MARK_BYTES) return
    this.#wanted = false
    this.#soon(() => {
      if (!this.#ended) this.#handlers?.drained()
    })
  }

  // --- receiving

  #deliver(): void {
    const handlers = this.#handlers
    if (handlers === undefined || this.#ended || this.#delivering) return
    this.#delivering = true
    try {
      while (!this.#paused && !this.#ended) {
        const frame = this.#decoder.next()
        if (frame === undefined) break
        if (this.#decoder.completed === 1) this.#decoder.established()
        handlers.frame(frame)
      }
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) throw error
      this.#break(error)
    } finally {
      this.#delivering = false
    }
    if (this.#paused || this.#ended) return
    if (this.#otherEnded) return this.#end(lost(this.remote))
    if (this.#decoder.midFrame) this.#watchFrame()
    this.#other.#pump()
  }

  /** What stays incomplete for so long ends the connection: its length is a lie, or its sender is stuck. */
  #watchFrame(): void {
    if (this.#watching) return
    this.#watching = true
    const begun = this.#decoder.completed
    this.#network.after(FRAME_MS, () => {
      this.#watching = false
      if (this.#ended || !this.#decoder.midFrame) return
      if (this.#paused || this.#decoder.completed !== begun) return this.#watchFrame()
      const error = new ZooKeeperError('PROTOCOL_ERROR', `a frame of ${this.remote} stays incomplete`)
      this.process.enter(() => this.#break(error))
    })
  }

  // --- ending

  /** For a cause that is not the owner's wish. */
  #break(error: Error): void {
    if (this.#ended) return
    this.#end(error)
    this.#resetOther()
  }

  #end(error: Error | undefined): void {
    this.#ended = true
    this.#other.#bufferedBytes = 0
    this.#network.ended(this)
    this.#soon(() => {
      if (this.#told || this.#handlers === undefined) return
      this.#told = true
      this.#handlers.closed(error)
    })
  }

  /** It may overtake what was sent before. */
  #resetOther(): void {
    const other = this.#other
    const network = this.#network
    this.#writes = []
    // Lost on the way, perhaps: then the other end finds out when it says something, or by its own timeouts.
    if (other.#ended || network.blocked(this)) return
    network.after(network.delayMs(), () => other.process.enter(() => other.lose(lost(other.remote))))
  }

  #soon(callback: () => void): void {
    this.#network.after(0, () => this.process.enter(callback))
  }
}

function lost(remote: string): ZooKeeperError {
  return new ZooKeeperError('TRANSPORT_FAILED', `${remote} closed the connection`)
}
