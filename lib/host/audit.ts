/**
 * What an operator may have to account for, as one kind of record: when a peer began and ended; who authenticated, or could not; what an ACL has
 * denied; which session ended; with `auditWrites` also what was written.
 * A peer tells what it decides itself, so to have everything, all peers must be listened to; nothing is told by two.
 *
 * Always holds: no record has a secret, nor what one could be guessed from (identities by scheme and name); a listener that throws disturbs nobody.
 * Before: local-channel.ts (authentication), perform.ts (what the core decides). After: the application's `audit`.
 */
import type { Audited } from '../core/audited.js'
import type { Access } from '../core/tree/access.js'
import type { Identities } from '../model/acl.js'
import type { ErrorCode } from '../model/errors.js'
import { type PeerId, type SessionId, sessionIdToBigint } from '../model/ids.js'
import type { ClientIdentity } from '../model/response.js'
import { zxidToBigint } from '../model/zxid.js'
import type { Logger } from './logger.js'

/** @example Peer.open({ …, audit: event => journal.write(event) }) */
export interface AuditEvent {
  /** Wall-clock milliseconds of the peer that tells it. */
  readonly time: number
  readonly peer: PeerId
  /**
   * `serverStart`, `serverStop`; `addAuth`; what was denied, by the name of the request; `closeSession`. With `auditWrites` also every write by its
   * name, `reap` for what went by itself, and `deleteEphemeral` for what went with its session.
   */
  readonly operation: string
  /** `OK`, or why not: AUTH_FAILED, NO_AUTH; SESSION_EXPIRED for a session that nobody closed; what a peer has failed of. */
  readonly result: ErrorCode
  /** Undefined for a client that has none yet. */
  readonly session: bigint | undefined
  /** Who it was, as the schemes show it. None for a session that expired. */
  readonly identities: readonly ClientIdentity[]
  /** Where it was connected from; undefined for a client inside a process of the ensemble. */
  readonly address: string | undefined
  readonly path: string | undefined
  /** Of a write: its transaction, which has no effect if the leader lost it. */
  readonly zxid: bigint | undefined
}

export type AuditListener = (event: AuditEvent) => void

export interface AuditPorts {
  readonly peer: PeerId
  readonly access: Pick<Access, 'userName'>
  readonly listener: AuditListener | undefined
  readonly wall: () => number
  readonly logger: Logger
}

export class Audit {
  readonly #ports: AuditPorts
  #stopped = false

  constructor(ports: AuditPorts) {
    this.#ports = ports
  }

  started(): void {
    this.#tell('serverStart', 'OK', undefined, [], undefined, undefined, undefined)
  }

  /** Once, whatever else goes wrong on the way. */
  stopped(result: ErrorCode): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#tell('serverStop', result, undefined, [], undefined, undefined, undefined)
  }

  decided({ operation, result, session, identities, path, zxid }: Audited): void {
    this.#tell(operation, result, session, identities, addressIn(identities), path, zxid && zxidToBigint(zxid))
  }

  /** @param identities all that the client is by now; of one that was refused, what it was before. */
  authenticated(accepted: boolean, session: SessionId | undefined, identities: Identities, address?: string): void {
    this.#tell('addAuth', accepted ? 'OK' : 'AUTH_FAILED', session, identities, address, undefined, undefined)
  }

  #tell(
    operation: string,
    result: ErrorCode,
    session: SessionId | undefined,
    identities: Identities,
    address: string | undefined,
    path: string | undefined,
    zxid: bigint | undefined,
  ): void {
    const { peer, access, listener, wall, logger } = this.#ports
    if (listener === undefined) return
    const event: AuditEvent = {
      time: wall(),
      peer,
      operation,
      result,
      // What the leader does on its own account belongs to the session 0.
      session: (session && sessionIdToBigint(session)) || undefined,
      identities: identities.map(identity => ({ scheme: identity.scheme, user: access.userName(identity) })),
      address,
      path,
      zxid,
    }
    queueMicrotask(() => {
      try {
        listener(event)
      } catch (error) {
        logger.error('the listener of audit events threw', { error })
      }
    })
  }
}

/** A client over a network is its address from the start. */
function addressIn(identities: Identities): string | undefined {
  return identities.find(({ scheme }) => scheme === 'ip')?.id
}
