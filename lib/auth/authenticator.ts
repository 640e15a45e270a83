/**
 * Who is it? All schemes of one peer behind one question. An unknown scheme refuses, and so does one that throws: nothing of what it says gets out,
 * for it may hold a secret.
 *
 * Always holds: the bytes that a client sent are overwritten with zeros before the answer is given (etcd CVE-2021-28235).
 * Before: host/local-channel.ts, for every auth packet. After: the identities enter the core, as part of who the client is from then on.
 */
import type { Identities } from '../model/acl.js'
import type { AuthScheme, ConnectionInfo } from './auth-scheme.js'
import { digestScheme } from './digest.js'
import { ipScheme } from './ip.js'
import { x509Scheme } from './x509.js'

export class Authenticator {
  readonly #schemes: ReadonlyMap<string, AuthScheme>

  constructor(schemes: Iterable<AuthScheme>) {
    this.#schemes = new Map([...schemes].map(scheme => [scheme.name, scheme]))
  }

  /** Undefined: refused. */
  authenticate(scheme: string, auth: Uint8Array, connection: ConnectionInfo): Identities | undefined {
    try {
      return this.#schemes.get(scheme)?.authenticate(auth, connection)
    } catch {
      return undefined
    } finally {
      auth.fill(0)
    }
  }
}

/** What every peer has. The arguments are those of digest.ts. */
export function standardSchemes(superDigest?: string, digestAlgorithm?: string): readonly AuthScheme[] {
  return [digestScheme(superDigest, digestAlgorithm), ipScheme, x509Scheme]
}
