/**
 * Brands for the ids that would otherwise be mistaken for one another.
 * A value gets its brand at the door (options, handshake, decoder) and keeps it inside.
 */
declare const brand: unique symbol
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** A member of the ensemble (ZooKeeper's sid / myid): 1 … 254. */
export type PeerId = Brand<number, 'PeerId'>

/**
 * A session: its 64 bits as 16 lowercase hexadecimal digits. A string, because it is the key of maps and never
 * computed with, and because a double cannot hold 64 bits.
 */
export type SessionId = Brand<string, 'SessionId'>

/** One established connection between two peers; a number never comes back, so a late event of an old link is recognised. */
export type LinkId = Brand<number, 'LinkId'>

/** One attached client (an in-process `Client` or a jute connection) of this peer; never reused while the peer lives. */
export type ClientId = Brand<number, 'ClientId'>

/** A storage operation; completions carry the number of the effect that asked for them. */
export type OperationNumber = Brand<number, 'OperationNumber'>

export const MAX_PEER_ID = 254

export function isPeerId(value: unknown): value is PeerId {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_PEER_ID
}

export function isSessionId(value: unknown): value is SessionId {
  return typeof value === 'string' && value.length === 16 && /^[0-9a-f]{16}$/.test(value)
}

/** The 64 bits as one bigint, for the public API. @example sessionIdToBigint('0100000000000001' as SessionId) // 72057594037927937n */
export function sessionIdToBigint(session: SessionId): bigint {
  return BigInt(`0x${session}`)
}

export function sessionIdFromBigint(value: bigint): SessionId {
  return BigInt.asUintN(64, value).toString(16).padStart(16, '0') as SessionId
}

/** From its two halves, unsigned, the higher first. */
export function sessionIdFromWords(high: number, low: number): SessionId {
  return (high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')) as SessionId
}
