/**
 * Versions of what peers say to each other. The handshake finds the highest that both ends of a link speak; each link has its own, and a newer peer
 * says nothing on it that the older one does not know. docs/format.md has what each brought.
 */
export const PROTOCOL_LOWEST = 1
export const PROTOCOL_HIGHEST = 3

/** The first that knows containers and TTL znodes: as requests, in records and in snapshots. */
export const LIFETIMES_SINCE = 2
/** The first that knows writes of sessions that only the sender knows. */
export const LOCAL_SESSIONS_SINCE = 2
/** The first whose digests of states speak of the znodes below `/zookeeper/`. */
export const SYSTEM_DIGEST_SINCE = 3
