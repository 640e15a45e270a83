/** What one end of a connection needs of the network it belongs to (time, delays, what is blocked), and what it gives it. Before: virtual-network.ts. After: wire.ts. */
import type { Wire } from './wire.js'

export interface WireNetwork {
  now(): number
  /** From now to the arrival at the other end. */
  delayMs(): number
  /** How many of these bytes from this end arrive first; all of them, mostly. */
  cut(from: Wire, bytes: number): number
  /** From then to the arrival of more of them. */
  restMs(from: Wire): number
  /** Nothing gets from this end to the other one now; what is sent waits. */
  blocked(from: Wire): boolean
  /** After a delay, outside of every process: the network itself does something. */
  after(delayMs: number, callback: () => void): void
  arrived(at: Wire, bytes: Uint8Array): void
  /** This end is no more. */
  ended(wire: Wire): void
}

/** What leaves in one moment arrives together; the last of all is the end. */
export interface Write {
  due: number
  readonly madeAt: number
  readonly frames: Uint8Array[]
  /** What is left of it after a cut. */
  rest: Uint8Array | undefined
  readonly last: boolean
}
