/**
 * The codes of an answer as ZooKeeper numbers them. Our own codes never stand on its wire: what such a failure looks like to a client that
 * knows only ZooKeeper's is decided here. Semantics §7.
 */
import { type ErrorCode, type ReplyCode, zookeeperCodes } from '../model/errors.js'

export function numberOfCode(code: ReplyCode): number {
  return zookeeperCodes[code]
}

/**
 * A request that was refused before it could take effect, by a limit that ZooKeeper does not have: told by the code whose meaning is
 * nearest. Undefined when nothing can be said of the request, and the connection has to go.
 */
export function replyCodeOf(code: ErrorCode): ReplyCode | undefined {
  switch (code) {
    case 'STORAGE_LOW':
      return 'QUOTA_EXCEEDED'
    case 'DATA_TOO_LARGE':
      return 'BAD_ARGUMENTS'
    default:
      return Object.hasOwn(zookeeperCodes, code) ? (code as ReplyCode) : undefined
  }
}

/** Refusals that leave the session as it is: said to whoever asked, and to nobody else. */
export function isOurLimit(code: ErrorCode): boolean {
  return code === 'STORAGE_LOW' || code === 'DATA_TOO_LARGE'
}
