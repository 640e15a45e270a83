/**
 * What the ids of one scheme mean in an ACL: the half of an authentication scheme that decides. The other half, how a client proves who it is, is
 * auth/auth-scheme.ts and never reaches the core.
 *
 * Always holds: pure. The same arguments give the same answer, today and on every peer: a leader judges by these rules what all replicas then
 * apply, and each peer what its own clients may read, so all peers of an ensemble must have the same schemes.
 * Before: auth/ implements it, the rim hands it in. After: core/tree/access.ts asks. ZooKeeper: AuthenticationProvider.
 */
export interface IdScheme {
  /** As in an ACL: `digest`. Not `world`, `auth` or `super`, which have a meaning of their own. */
  readonly name: string
  /** May this text stand as an id of this scheme in an ACL? */
  acceptsId(id: string): boolean
  /** Does a client that is `identity` pass an entry for `id`? A match of the whole identity, or none (CVE-2023-44981). */
  matches(id: string, identity: string): boolean
  /** Does an identity prove who the client is, so that `auth` stands for it? An address does not. */
  readonly authenticates: boolean
  /** Who that is, as it may be shown to others: never a secret, nor what one could be guessed from. */
  userName(identity: string): string
}

/** They stand in ACLs, or bypass them, without a scheme behind them. */
export const RESERVED_SCHEMES: readonly string[] = ['world', 'auth', 'super']
