/**
 * Whether this peer serves reads from what it has although it has no leader (C15): for those who ask for it, after some time, and only from a state
 * that is not known to be wrong. It takes no update and opens no session but local ones; when there is a leader again, everybody it
 * served so is let go of, and comes back to a working ensemble.
 * Semantics §17. Used by local-attachments.ts.
 */
import type { Request } from '../../model/request.js'
import type { ProtocolOptions } from '../protocol-options.js'

export class ReadOnlyMode {
  readonly #afterMs: number
  /** Undefined while there is a leader. */
  #alone: number | undefined
  /** Its time has come, and it was looked at. */
  #due = false
  #on = false

  constructor({ readOnlyModeEnabled, readOnlyAfterMs, tickMs }: ProtocolOptions, now: number) {
    this.#afterMs = readOnlyModeEnabled ? Math.max(readOnlyAfterMs, tickMs) : Number.POSITIVE_INFINITY
    this.#alone = now
  }

  get on(): boolean {
    return this.#on
  }

  alone(now: number): void {
    this.#alone ??= now
  }

  led(): void {
    this.#alone = undefined
    this.#due = false
    this.#on = false
  }

  /** @param sound nothing is known to be wrong with the state. True when it begins. */
  begins(now: number, sound: boolean): boolean {
    this.#due = this.#alone !== undefined && now - this.#alone >= this.#afterMs
    const on = sound && this.#due
    const begun = on && !this.#on
    this.#on = on
    return begun
  }

  /** When it is to be looked at. */
  get nextAt(): number {
    return this.#due || this.#alone === undefined ? Number.POSITIVE_INFINITY : this.#alone + this.#afterMs
  }
}

/** Reads are answered, and so is the wish to go. */
export function isRefusedReadOnly({ kind }: Request, isRead: boolean): boolean {
  return !isRead && kind !== 'closeSession'
}
