/**
 * The contract of an authentication scheme: who is it? (May he? is core/tree/access.ts.) A scheme has two halves: `authenticate` turns what a client
 * sends into identities, on the peer that it is connected to; the rest says what these mean in an ACL (model/id-scheme.ts).
 *
 * Implementations: digest.ts, ip.ts, x509.ts; an application may bring its own (`Peer.open({ authSchemes })`), the same on every peer.
 * Before: authenticator.ts asks. After: the identities go with every later request of that connection. ZooKeeper: AuthenticationProvider.
 */
import type { Identities } from '../model/acl.js'
import type { IdScheme } from '../model/id-scheme.js'

/** What is known of whoever is at the other end. */
export interface ConnectionInfo {
  /** The address of the socket itself, never one that the client tells (CVE-2024-51504); undefined for a client in this process. */
  readonly address: string | undefined
}

export interface AuthScheme extends IdScheme {
  /**
   * Who a client is that sends `auth`; undefined when it is refused: the connection ends then. It answers at once, so that the requests behind
   * it need not wait; it keeps nothing of `auth`, which is a secret and is overwritten afterwards. It must not throw; if it does, the client is refused.
   */
  authenticate(auth: Uint8Array, connection: ConnectionInfo): Identities | undefined
}
