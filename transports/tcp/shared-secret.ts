/**
 * What a shared secret is good for: proofs of knowing it, and the keys of one connection. Nothing else gets at the secret.
 *
 * Always holds: it is kept as a KeyObject in a private field, so no inspect, log, error or JSON shows it (CVE-2026-24308); proofs are
 * compared in constant time; who says what (dialler or acceptor) and both nonces are part of every proof and key.
 * Source: HMAC (RFC 2104) and HKDF (RFC 5869) with SHA-256. Before: tcp-options.ts. After: secret-exchange.ts, frame-seal.ts.
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'

export const SECRET_BYTES_MIN = 16
export const NONCE_BYTES = 32
export const PROOF_BYTES = 32

const CONTEXT = 'vivarium tcp secret v1'
const NONE = new Uint8Array(0)

export type Role = 'dialler' | 'acceptor'

/** Fresh random bytes of either side, `NONCE_BYTES` each. */
export interface Nonces {
  readonly dialler: Uint8Array
  readonly acceptor: Uint8Array
}

/** One key a direction, named after who sends. */
export type SessionKeys = Readonly<Record<Role, KeyObject>>

export function otherRole(role: Role): Role {
  return role === 'dialler' ? 'acceptor' : 'dialler'
}

export class SharedSecret {
  readonly #secret: KeyObject
  readonly #proofKey: KeyObject

  /** At least SECRET_BYTES_MIN bytes; they are copied. */
  constructor(secret: Uint8Array) {
    this.#secret = createSecretKey(secret)
    this.#proofKey = this.#derive(NONE, `${CONTEXT}: proofs`)
  }

  /** Shows that `role` knows the secret now: nobody can have said it before, as the other side's nonce is in it. */
  prove(role: Role, { dialler, acceptor }: Nonces): Uint8Array {
    return createHmac('sha256', this.#proofKey)
      .update(`${CONTEXT}: proof of the ${role}\0`)
      .update(dialler)
      .update(acceptor)
      .digest()
  }

  /** Whether a proof of PROOF_BYTES is the one of `role`. */
  proves(proof: Uint8Array, role: Role, nonces: Nonces): boolean {
    return timingSafeEqual(proof, this.prove(role, nonces))
  }

  sessionKeys({ dialler, acceptor }: Nonces): SessionKeys {
    const salt = Buffer.concat([dialler, acceptor])
    return {
      dialler: this.#derive(salt, `${CONTEXT}: frames of the dialler`),
      acceptor: this.#derive(salt, `${CONTEXT}: frames of the acceptor`),
    }
  }

  #derive(salt: Uint8Array, info: string): KeyObject {
    return createSecretKey(Buffer.from(hkdfSync('sha256', this.#secret, salt, info, 32)))
  }
}
