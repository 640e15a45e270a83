/**
 * From a fresh connection to a link: the dialer says hello, the acceptor judges it and answers with its own or with a refusal, the
 * dialer judges that. Either is over within DEADLINE_MS, and whatever comes in the same chunk behind the hello reaches the link.
 *
 * Always holds: exactly one of `established` and `failed` is called, unless abandoned; after `failed` the connection is closed.
 * Before: links.ts. After: transport/handshake.ts judges; the link's own handlers take over.
 */
import { votersOf } from '../model/ensemble-config.js'
import type { ErrorCode } from '../model/errors.js'
import { ZooKeeperError } from '../model/errors.js'
import type { PeerId } from '../model/ids.js'
import { PROTOCOL_HIGHEST, PROTOCOL_LOWEST } from '../model/peer-protocol.js'
import {
  decodeHello,
  encodeHello,
  encodeRefusal,
  type Hello,
  isRefusal,
  judgeHello,
  membersHash,
  refusalCodeOf,
} from '../transport/handshake.js'
import type { Connection, ConnectionHandlers } from '../transport/transport.js'
import type { ResolvedPeerOptions } from './peer-options.js'

export interface Complaint {
  readonly code: ErrorCode
  readonly message: string
}

export interface LinkHandshakePorts {
  readonly options: Pick<ResolvedPeerOptions, 'id' | 'ensemble' | 'config' | 'clock'>
  readonly incarnation: string
  /** The peer that was dialled; undefined on the accepting side. */
  readonly dialled: PeerId | undefined
  /** What else speaks against this peer, after the hellos agree. */
  readonly admit: (peer: PeerId, incarnation: string) => Complaint | undefined
  /** Both sides agree: gives the handlers of the link. */
  readonly established: (peer: PeerId, incarnation: string, protocol: number) => ConnectionHandlers
  /** `peer`: who the other side says it is, if it got that far. */
  readonly failed: (peer: PeerId | undefined, complaint: Complaint) => void
}

const DEADLINE_MS = 5000

export class LinkHandshake {
  readonly #connection: Connection
  readonly #ports: LinkHandshakePorts
  readonly #own: Hello
  #stage: ConnectionHandlers
  #over = false
  #cancelDeadline: (() => void) | undefined

  constructor(connection: Connection, ports: LinkHandshakePorts) {
    this.#connection = connection
    this.#ports = ports
    this.#own = ownHello(ports)
    this.#stage = {
      frame: bytes => this.#onFrame(bytes),
      closed: error =>
        this.#fail(undefined, {
          code: error instanceof ZooKeeperError ? error.code : 'TRANSPORT_FAILED',
          message: error?.message ?? 'closed',
        }),
      drained() {},
    }
  }

  start(): void {
    this.#cancelDeadline = this.#ports.options.clock.schedule(DEADLINE_MS, () => {
      this.#fail(undefined, { code: 'TRANSPORT_FAILED', message: `no hello within ${DEADLINE_MS} ms` })
    })
    this.#connection.start({
      frame: bytes => this.#stage.frame(bytes),
      closed: error => this.#stage.closed(error),
      drained: () => this.#stage.drained(),
    })
    if (this.#ports.dialled !== undefined && !this.#over) this.#connection.send([encodeHello(this.#own)])
  }

  /** The peer closes: nobody is told. */
  abandon(): void {
    if (this.#end()) this.#connection.destroy()
  }

  #onFrame(bytes: Uint8Array): void {
    if (this.#over) return
    let theirs: Hello
    try {
      theirs = decodeHello(bytes)
    } catch (error) {
      const code = error instanceof ZooKeeperError ? error.code : 'PROTOCOL_ERROR'
      const complaint = { code, message: error instanceof Error ? error.message : String(error) }
      if (isRefusal(bytes)) this.#fail(undefined, complaint)
      else this.#refuse(undefined, complaint)
      return
    }
    const judgement = judgeHello(this.#own, theirs, this.#ports.dialled)
    const complaint = judgement.accepted
      ? (this.#wrongName(theirs.peer) ?? this.#ports.admit(theirs.peer, theirs.incarnation))
      : { code: judgement.code, message: judgement.reason }
    if (complaint !== undefined || !judgement.accepted) {
      if (complaint !== undefined) this.#refuse(theirs.peer, complaint)
      return
    }
    this.#end()
    if (this.#ports.dialled === undefined) this.#connection.send([encodeHello(this.#own)])
    this.#stage = this.#ports.established(theirs.peer, theirs.incarnation, judgement.protocol)
  }

  /** A certificate speaks for the host that the member list gives this peer, or for nobody. */
  #wrongName(peer: PeerId): Complaint | undefined {
    const { identity } = this.#connection
    if (identity === undefined) return undefined
    const address = this.#ports.options.config.members.find(member => member.id === peer)?.address
    const host = address === undefined ? undefined : hostOf(address)
    if (host !== undefined && identity.includes(host)) return undefined
    return { code: 'HANDSHAKE_REFUSED', message: `the certificate does not speak for peer ${peer} (${address})` }
  }

  #refuse(peer: PeerId | undefined, complaint: Complaint): void {
    if (this.#over) return
    this.#connection.send([encodeRefusal({ code: refusalCodeOf(complaint.code), reason: complaint.message })])
    this.#fail(peer, complaint)
  }

  #fail(peer: PeerId | undefined, complaint: Complaint): void {
    if (!this.#end()) return
    this.#connection.close()
    this.#ports.failed(peer, complaint)
  }

  #end(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#cancelDeadline?.()
    return true
  }
}

function ownHello({ options, incarnation }: LinkHandshakePorts): Hello {
  const { id, ensemble, config } = options
  return {
    protocolLowest: PROTOCOL_LOWEST,
    protocolHighest: PROTOCOL_HIGHEST,
    ensemble,
    peer: id,
    incarnation,
    membersHash: membersHash(config),
    role: votersOf(config).has(id) ? 'participant' : 'observer',
  }
}

/** Spelled as transports spell the names they prove. */
function hostOf(address: string): string | undefined {
  const rest = address.slice(address.indexOf('://') + 3)
  return URL.canParse(`http://${rest}`) ? new URL(`http://${rest}`).hostname.replace(/^\[|\]$/g, '') : undefined
}
