/**
 * How two peers show each other that they know the shared secret, before anything else is said: the dialler sends a nonce, the
 * acceptor answers with its own, the dialler proves, the acceptor proves. The dialler first: whoever merely dials learns nothing
 * that depends on the secret.
 *
 * Always holds: no timers, no sockets (sealed-connection.ts has them); a frame is judged by its exact length and head; keys are
 * handed out only after the other side's proof over this connection's own fresh nonce.
 * Source: invariants §5.2 (replay or splicing of peer handshakes), §5.1 CVE-2018-8012. Layout: head (6) of lib/transport/handshake.ts,
 * then a nonce or a proof (32).
 */
import { randomBytes } from 'node:crypto'
import { ZooKeeperError } from '../../lib/model/errors.js'
import {
  decodeRefusal,
  HANDSHAKE_HEAD_BYTES,
  handshakeKindOf,
  handshakeKinds,
  isRefusal,
  writeHandshakeHead,
} from '../../lib/transport/handshake.js'
import {
  NONCE_BYTES,
  type Nonces,
  otherRole,
  PROOF_BYTES,
  type Role,
  type SessionKeys,
  type SharedSecret,
} from './shared-secret.js'

/** How many frames each side sends. */
export const EXCHANGE_FRAMES = 2

export interface ExchangeStep {
  /** To be sent. */
  readonly reply?: Uint8Array
  /** The other side has proven that it knows the secret. */
  readonly keys?: SessionKeys
}

export class SecretExchange {
  readonly #secret: SharedSecret
  readonly #role: Role
  readonly #own = randomBytes(NONCE_BYTES)
  #nonces: Nonces | undefined

  constructor(secret: SharedSecret, role: Role) {
    this.#secret = secret
    this.#role = role
  }

  /** What this side says first, unasked. */
  opening(): Uint8Array | undefined {
    return this.#role === 'dialler' ? encode(handshakeKinds.nonce, this.#own) : undefined
  }

  /**
   * The next frame of the other side. Throws HANDSHAKE_REFUSED for a side that does not know the secret, or says that this one does not;
   * PROTOCOL_ERROR for bytes that are no such frame.
   */
  take(frame: Uint8Array): ExchangeStep {
    if (isRefusal(frame)) throw refusedThere(frame)
    return this.#nonces === undefined ? this.#takeNonce(frame) : this.#takeProof(frame, this.#nonces)
  }

  #takeNonce(frame: Uint8Array): ExchangeStep {
    const theirs = decode(handshakeKinds.nonce, frame, NONCE_BYTES)
    if (this.#role === 'acceptor') {
      this.#nonces = { dialler: theirs, acceptor: this.#own }
      return { reply: encode(handshakeKinds.nonce, this.#own) }
    }
    this.#nonces = { dialler: this.#own, acceptor: theirs }
    return { reply: this.#proof(this.#nonces) }
  }

  #takeProof(frame: Uint8Array, nonces: Nonces): ExchangeStep {
    const theirs = decode(handshakeKinds.proof, frame, PROOF_BYTES)
    if (!this.#secret.proves(theirs, otherRole(this.#role), nonces)) {
      throw new ZooKeeperError('HANDSHAKE_REFUSED', 'the other side has another shared secret')
    }
    const keys = this.#secret.sessionKeys(nonces)
    return this.#role === 'acceptor' ? { reply: this.#proof(nonces), keys } : { keys }
  }

  #proof(nonces: Nonces): Uint8Array {
    return encode(handshakeKinds.proof, this.#secret.prove(this.#role, nonces))
  }
}

function encode(kind: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HANDSHAKE_HEAD_BYTES + body.length)
  writeHandshakeHead(frame, kind)
  frame.set(body, HANDSHAKE_HEAD_BYTES)
  return frame
}

/** A copy of the body: the frame is a view that is good during the call only. */
function decode(kind: number, frame: Uint8Array, length: number): Uint8Array {
  const found = handshakeKindOf(frame)
  if (found === handshakeKinds.hello) {
    throw new ZooKeeperError('HANDSHAKE_REFUSED', 'this side asks for the shared secret, the other one has none')
  }
  if (found !== kind || frame.length !== HANDSHAKE_HEAD_BYTES + length) {
    throw new ZooKeeperError('PROTOCOL_ERROR', 'malformed exchange of the shared secret')
  }
  return frame.slice(HANDSHAKE_HEAD_BYTES)
}

function refusedThere(frame: Uint8Array): ZooKeeperError {
  const { reason } = decodeRefusal(frame)
  return new ZooKeeperError('HANDSHAKE_REFUSED', `refused by the other side: ${reason}`)
}
