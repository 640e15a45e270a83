/**
 * What one connection has to say: frames gathered until the turn is over, then one write.
 *
 * Always holds: frames leave whole and in order. How much waits, here and in the socket, is known; what to do about it is the connection's.
 * Used by client-connection.ts.
 */
import type { Socket } from 'node:net'
import { JuteWriter } from '../writer.js'

export class OutQueue {
  readonly #socket: Socket
  readonly #writer = new JuteWriter()
  #scheduled = false

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Bytes that have not left. */
  get bytes(): number {
    return this.#socket.writableLength + this.#writer.length
  }

  /** Bytes of the frame. */
  frame(write: (writer: JuteWriter) => void): number {
    const before = this.#writer.length
    this.#writer.begin()
    write(this.#writer)
    this.#writer.end()
    if (!this.#scheduled) queueMicrotask(this.#flushLater)
    this.#scheduled = true
    return this.#writer.length - before
  }

  /** All that was said goes out, then the connection is closed. What is no frame is said before everything. */
  end(text = ''): void {
    this.flush()
    if (text.length > 0) this.#socket.write(text)
    // A socket that is not read from does not hear of the other's end.
    this.#socket.resume()
    this.#socket.destroySoon()
  }

  flush(): void {
    if (this.#writer.length > 0 && !this.#socket.destroyed) this.#socket.write(this.#writer.take())
  }

  readonly #flushLater = (): void => {
    this.#scheduled = false
    this.flush()
  }
}
