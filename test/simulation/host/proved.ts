/**
 * Who the application of one session is: who it began as, and whom it has proved to be since. It knows itself only so far: a proof that is under way, or whose
 * answer was lost, may count or not. What follows of that for what it asks and hears is judged by checkers/model-access.ts.
 * Before: session-history.ts hears of proofs. After: the histories of calls, streams and events ask.
 */
import type { Acl, Identities, Identity } from '../../../lib/model/acl.js'
import { mayDo } from '../checkers/model-access.js'

export interface Proof {
  readonly identity: Identity
  /** What was committed when its acceptance was heard: all behind it is judged with it, on every peer. */
  acceptedAt: bigint | undefined
}

export class Proved {
  readonly #began: Identities
  readonly #proofs: Proof[] = []

  constructor(began: Identities) {
    this.#began = began
  }

  /** Everything is allowed to it. */
  get trusted(): boolean {
    return this.#began.some(({ scheme }) => scheme === 'super')
  }

  asked(identity: Identity): Proof {
    const proof: Proof = { identity, acceptedAt: undefined }
    this.#proofs.push(proof)
    return proof
  }

  accepted(proof: Proof, last: bigint): void {
    proof.acceptedAt = last
  }

  /** Whom it certainly is: now, or for what is behind `zxid`. */
  certain(zxid?: bigint): Identities {
    const counts = ({ acceptedAt }: Proof): boolean =>
      acceptedAt !== undefined && (zxid === undefined || acceptedAt < zxid)
    return [...this.#began, ...this.#proofs.filter(counts).map(({ identity }) => identity)]
  }

  /** Whom it may be at most. */
  get possible(): Identities {
    return [...this.#began, ...this.#proofs.map(({ identity }) => identity)]
  }

  /** Undefined where that depends on a proof that is in doubt. */
  may(acl: Acl, wanted: number, zxid?: bigint): boolean | undefined {
    if (mayDo(acl, this.certain(zxid), wanted)) return true
    return mayDo(acl, this.possible, wanted) ? undefined : false
  }
}
