/** A client of a story: it asks what the story says, keeps its session by pings, and goes nowhere unless it is told to. */
import { OPEN_ACL_UNSAFE } from '../../../lib/model/acl.js'
import { PERSISTENT } from '../../../lib/model/create-mode.js'
import type { ErrorCode } from '../../../lib/model/errors.js'
import type { Request } from '../../../lib/model/request.js'
import type { Call, SimulatedClient } from '../../../lib/testing/simulated-client.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { World } from '../../../lib/testing/world.js'

const PING_MS = 150

export class Teller {
  readonly #world: World
  readonly #client: SimulatedClient
  readonly #leader: () => number | undefined
  #leaving = false
  #turning = true
  #serial = 0

  constructor(world: World, leader: () => number | undefined) {
    this.#world = world
    this.#leader = leader
    this.#client = world.client({ embedded: false, timeoutMs: 4000, keepsCounting: true })
    this.#client.owner = { attached() {}, returned() {}, detached: code => this.#detached(code) }
    this.#turn()
  }

  get attached(): boolean {
    return this.#client.attached
  }
  get gone(): boolean {
    return !this.#turning
  }

  attach(peer: SimulatedPeer): void {
    this.#client.attach(peer)
  }

  /** A new znode, with data of its own. */
  write(path = `/${this.#client.name}-${++this.#serial}`): Call {
    const data = new TextEncoder().encode(path)
    return this.call({ kind: 'create', path, data, acl: OPEN_ACL_UNSAFE, mode: PERSISTENT })
  }
  call(request: Request): Call {
    const call = this.#client.call(request)
    if (call === undefined) throw new Error(`${this.#client.name} is attached to nobody`)
    return call
  }

  /** Closes its session, wherever that can be done. */
  leave(): void {
    this.#leaving = true
  }

  #detached(code: ErrorCode): void {
    if (code === 'SESSION_EXPIRED' || code === 'CLOSED') this.#client.forgetSession()
  }

  #turn(): void {
    const client = this.#client
    if (this.#leaving && client.session === undefined && !client.attached) {
      this.#turning = false
      return
    }
    this.#world.after(PING_MS, () => this.#turn())
    const leader = this.#leader()
    if (client.attached) {
      if (client.outstanding.length === 0) client.call({ kind: this.#leaving ? 'closeSession' : 'ping' })
    } else if (this.#leaving && client.peer === undefined && leader !== undefined)
      client.attach(this.#world.peer(leader as SimulatedPeer['id']))
  }
}
