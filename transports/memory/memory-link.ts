/**
 * One end of a connection within the process. It behaves as a socket would: frames arrive in a later turn, as copies (a sender
 * that goes on to change its buffer changes nothing at the receiver, invariants §5.2), a receiver that pauses fills the
 * sender's buffer, an end that is destroyed loses what was under way.
 *
 * Always holds: handlers are called from a turn of their own, never from within a call of either owner; `closed` exactly once.
 * Before: memory-transport.ts makes pairs. After: the host's links.
 */
import { ZooKeeperError } from '../../lib/model/errors.js'
import { invariant } from '../../lib/model/invariant.js'
import {
  type Connection,
  type ConnectionHandlers,
  FIRST_FRAME_BYTES_MAX,
  FRAME_BYTES_MAX,
  SEND_BYTES_MAX,
} from '../../lib/transport/transport.js'

const SEND_MARK_BYTES = 1024 * 1024
/** What a frame costs besides its bytes, so that empty frames do not pile up for free. */
const FRAME_OVERHEAD_BYTES = 4

export class MemoryLink implements Connection {
  readonly remote: string
  readonly #onClosed: (link: MemoryLink) => void
  #other: MemoryLink | undefined
  #handlers: ConnectionHandlers | undefined

  /** Frames for this end, not yet delivered; `#head` avoids shifting. */
  #inbox: Uint8Array[] = []
  #head = 0
  #paused = false
  #turn: NodeJS.Immediate | undefined

  #bufferedBytes = 0
  #wanted = false
  #sentFirst = false

  /** This side has ended; nothing is delivered any more. */
  #ending = false
  #failure: Error | undefined
  /** The other side has ended: true once, after the last frame, `closed` is due. */
  #otherEnded = false
  #told = false

  private constructor(remote: string, onClosed: (link: MemoryLink) => void) {
    this.remote = remote
    this.#onClosed = onClosed
  }

  /** Two ends of one connection. */
  static pair(
    remotes: readonly [string, string],
    onClosed: readonly [(link: MemoryLink) => void, (link: MemoryLink) => void],
  ): [MemoryLink, MemoryLink] {
    const one = new MemoryLink(remotes[0], onClosed[0])
    const two = new MemoryLink(remotes[1], onClosed[1])
    one.#other = two
    two.#other = one
    return [one, two]
  }

  start(handlers: ConnectionHandlers): void {
    invariant(this.#handlers === undefined, 'a connection is started once')
    this.#handlers = handlers
    this.#schedule()
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  send(parts: readonly Uint8Array[]): boolean {
    const other = this.#other
    if (this.#ending || other === undefined || other.#ending) return true
    let length = 0
    for (const part of parts) length += part.length
    invariant(length <= FRAME_BYTES_MAX, 'a frame is within FRAME_BYTES_MAX')
    invariant(this.#sentFirst || length <= FIRST_FRAME_BYTES_MAX, 'the first frame is within FIRST_FRAME_BYTES_MAX')
    this.#sentFirst = true
    const frame = new Uint8Array(length)
    let offset = 0
    for (const part of parts) {
      frame.set(part, offset)
      offset += part.length
    }
    other.#inbox.push(frame)
    other.#schedule()
    this.#bufferedBytes += length + FRAME_OVERHEAD_BYTES
    if (this.#bufferedBytes <= SEND_MARK_BYTES) return true
    if (this.#bufferedBytes > SEND_BYTES_MAX) {
      this.#failure = new ZooKeeperError(
        'OVERLOADED',
        `${this.remote} does not read: ${this.#bufferedBytes} bytes wait to be sent`,
      )
      this.destroy()
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
    this.#schedule()
  }

  close(): void {
    if (this.#ending) return
    this.#end()
  }

  destroy(): void {
    const other = this.#other
    if (other !== undefined && !this.#told) other.#dropInbox()
    this.#end()
  }

  #end(): void {
    this.#ending = true
    this.#dropInbox()
    this.#schedule()
    const other = this.#other
    if (other === undefined || other.#otherEnded) return
    other.#otherEnded = true
    other.#schedule()
  }

  #dropInbox(): void {
    this.#inbox = []
    this.#head = 0
    if (this.#other !== undefined) this.#other.#bufferedBytes = 0
  }

  #schedule(): void {
    if (this.#told) return
    this.#turn ??= setImmediate(this.#deliver)
  }

  readonly #deliver = (): void => {
    this.#turn = undefined
    const handlers = this.#handlers
    if (handlers === undefined) {
      if (this.#ending) this.#onClosed(this)
      return
    }
    // What arrives meanwhile waits for the next turn, as it would on a socket.
    const upTo = this.#inbox.length
    try {
      while (!this.#paused && !this.#ending && this.#head < upTo) {
        const frame = this.#inbox[this.#head]!
        this.#inbox[this.#head++] = EMPTY
        this.#credit(frame.length + FRAME_OVERHEAD_BYTES)
        handlers.frame(frame)
      }
    } finally {
      this.#compact()
    }
    if (this.#ending) this.#tellClosed(this.#failure)
    else if (this.#paused) return
    else if (this.#head < this.#inbox.length) this.#schedule()
    else if (this.#otherEnded) {
      this.#ending = true
      this.#tellClosed(new ZooKeeperError('TRANSPORT_FAILED', `${this.remote} closed the connection`))
    }
  }

  #compact(): void {
    if (this.#head === 0) return
    this.#inbox.splice(0, this.#head)
    this.#head = 0
  }

  /** A frame of the other end has been taken: it has room again. */
  #credit(bytes: number): void {
    const other = this.#other!
    other.#bufferedBytes -= bytes
    if (!other.#wanted || other.#bufferedBytes > SEND_MARK_BYTES) return
    other.#wanted = false
    setImmediate(() => {
      if (!other.#ending) other.#handlers?.drained()
    })
  }

  #tellClosed(error: Error | undefined): void {
    if (this.#told) return
    this.#told = true
    this.#onClosed(this)
    this.#handlers!.closed(error)
  }
}

const EMPTY = new Uint8Array(0)
