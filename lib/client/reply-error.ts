/** An error answer as the error that the application sees. */
import { ZooKeeperError } from '../model/errors.js'
import type { ErrorResponse } from '../model/response.js'

export function replyError(response: ErrorResponse, what: string, path: string | undefined): ZooKeeperError {
  return new ZooKeeperError(response.code, path === undefined ? what : `${what} ${path}`, { path })
}

/** An answer of a kind that the request cannot have: the channel is at fault. */
export function unexpectedReply(kind: string, what: string): ZooKeeperError {
  return new ZooKeeperError('PROTOCOL_ERROR', `${what} was answered with ${kind}`, { outcome: 'unknown' })
}
