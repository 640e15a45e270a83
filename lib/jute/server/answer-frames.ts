/**
 * The frames that a client is sent, apart from the bodies of answers (translate.ts). Each is written whole, by one call.
 * Used by client-connection.ts. Semantics §5.
 */
import type { ReplyCode } from '../../model/errors.js'
import type { SessionId } from '../../model/ids.js'
import type { Response } from '../../model/response.js'
import type { WatchEvent } from '../../model/watch-event.js'
import { ZERO, type Zxid } from '../../model/zxid.js'
import { numberOfCode } from '../error-codes.js'
import { NO_ZXID, Xid } from '../op-codes.js'
import * as records from '../records.js'
import { STATE_CONNECTED, typeOfEvent } from '../watch-events.js'
import type { JuteWriter } from '../writer.js'
import type { Asked } from './asked-requests.js'

export interface GrantedSession {
  readonly session: SessionId
  readonly password: Uint8Array
  readonly timeoutMs: number
}

/** What an unknown, expired or otherwise refused session is answered with. */
const REFUSED: GrantedSession = {
  session: records.NO_SESSION,
  password: new Uint8Array(records.PASSWORD_BYTES),
  timeoutMs: 0,
}

/** @param readOnly undefined for a client that does not know of it: the answer has no such field then. */
export function writeSession(
  writer: JuteWriter,
  granted: GrantedSession | undefined,
  readOnly: boolean | undefined,
): void {
  const { session, password, timeoutMs } = granted ?? REFUSED
  const response = { protocolVersion: 0, timeOut: timeoutMs, sessionId: session, passwd: password, readOnly }
  records.connectResponse.write(writer, response)
}

export function writeAnswer(
  writer: JuteWriter,
  { xid, translated }: Pick<Asked, 'xid' | 'translated'>,
  zxid: Zxid,
  code: ReplyCode | undefined,
  response: Response | undefined,
): void {
  const err = code === undefined ? 0 : numberOfCode(code)
  records.replyHeader.write(writer, { xid, zxid: translated.zxid ?? zxid, err })
  if (code === undefined && response !== undefined) translated.answer(writer, response)
}

/** A refusal that is no part of the order. */
export function writeRefusal(writer: JuteWriter, xid: number, code: ReplyCode): void {
  records.replyHeader.write(writer, { xid, zxid: ZERO, err: numberOfCode(code) })
}

export function writeEvent(writer: JuteWriter, { type, path, zxid }: WatchEvent): void {
  records.replyHeader.write(writer, { xid: Xid.notification, zxid: zxid ?? NO_ZXID, err: 0 })
  records.watcherEvent.write(writer, { type: typeOfEvent(type), state: STATE_CONNECTED, path })
}
