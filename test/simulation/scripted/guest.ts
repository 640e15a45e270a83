/**
 * A client of a story about sessions: it may be silent, leave without a word, come back with its session elsewhere, and it keeps what it was told.
 * A Teller works; a Guest is what happens to it.
 */
import { OPEN_ACL_UNSAFE } from '../../../lib/model/acl.js'
import { type CreateMode, EPHEMERAL } from '../../../lib/model/create-mode.js'
import type { ErrorCode } from '../../../lib/model/errors.js'
import type { SessionId } from '../../../lib/model/ids.js'
import type { Request } from '../../../lib/model/request.js'
import type { Call, SimulatedClient } from '../../../lib/testing/simulated-client.js'
import type { Script } from './script.js'

const PING_MS = 100

export interface GuestOptions {
  readonly embedded?: boolean
  readonly timeoutMs?: number
}

export class Guest {
  readonly events: string[] = []
  readonly client: SimulatedClient
  /** Why it was last detached. */
  detachedBy: ErrorCode | undefined
  /** Says nothing of its own accord. */
  silent = false
  readonly #script: Script
  #left = false
  #serial = 0

  constructor(script: Script, at: number, { embedded = false, timeoutMs = 4000 }: GuestOptions = {}) {
    this.#script = script
    const { world } = script
    this.client = world.client({ embedded, timeoutMs, keepsCounting: true })
    this.client.owner = {
      attached: () => {},
      returned: () => {},
      detached: code => {
        this.detachedBy = code
      },
    }
    world.observe({
      client: event => {
        if (event.kind === 'event' && event.client === this.client)
          this.events.push(`${event.event.type} ${event.event.path}`)
      },
    })
    this.attach(at)
    this.#turn()
  }

  get session(): SessionId {
    return this.client.session!.id
  }

  /** With its session, if it has one. */
  attach(at: number): void {
    this.client.attach(this.#script.peer(at))
    this.#script.until(`a guest is attached to ${at}`, () => this.client.attached)
  }

  ask(request: Request): Call {
    const call = this.client.call(request)
    if (call === undefined) throw new Error(`${this.client.name} is attached to nobody`)
    return call
  }
  create(path: string, mode: CreateMode = EPHEMERAL): Call {
    this.#serial += 1
    const data = new TextEncoder().encode(`${path} ${this.client.name}/${this.#serial}`)
    return this.ask({ kind: 'create', path, data, acl: OPEN_ACL_UNSAFE, mode })
  }
  /** Asks and waits. */
  did(request: Request): Call {
    const call = this.ask(request)
    this.#script.answered(call)
    return call
  }

  /** Without a word to the ensemble; the session is left to expire. */
  leave(): void {
    this.#left = true
    this.client.disconnect()
  }
  close(): void {
    this.did({ kind: 'closeSession' })
    this.leave()
  }

  #turn(): void {
    if (this.#left) return
    this.#script.world.after(PING_MS, () => this.#turn())
    if (!this.silent && this.client.attached && this.client.outstanding.length === 0) this.client.call({ kind: 'ping' })
  }
}

/** What the answer was: an error code, or what kind of answer. */
export function answerOf({ outcome }: Call): string {
  if (outcome === undefined) return 'none'
  if (outcome.kind === 'answered')
    return outcome.response.kind === 'error' ? outcome.response.code : outcome.response.kind
  return outcome.kind === 'failed' ? outcome.code : 'lost'
}
