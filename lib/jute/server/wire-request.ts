/**
 * A frame as what it asks for: the first of a connection a session, each behind it what its opcode says. What the channel would refuse at its door, out of turn, becomes a request that
 * is refused in its turn.
 * Before: client-connection.ts. After: translate.ts has the opcodes.
 */
import type { SessionId } from '../../model/ids.js'
import { requestRefusal } from '../../model/request-check.js'
import type { Zxid } from '../../model/zxid.js'
import { replyCodeOf } from '../error-codes.js'
import { asSeen } from '../model-values.js'
import { OpCode } from '../op-codes.js'
import { JuteReader } from '../reader.js'
import * as records from '../records.js'
import { type Translated, translate } from '../translate.js'

export interface WireRequest {
  readonly xid: number
  readonly opCode: number
  readonly translated: Translated
}

export interface SessionRequest {
  readonly timeoutMs: number
  /** Undefined: a new one. */
  readonly resume: { readonly session: SessionId; readonly password: Uint8Array } | undefined
  readonly lastZxidSeen: Zxid
  /** Undefined for a client that does not know of read-only servers. */
  readonly readOnly: boolean | undefined
}

/** @throws PROTOCOL_ERROR when it is none. */
export function readSessionRequest(frame: Uint8Array): SessionRequest {
  const { timeOut, lastZxidSeen, sessionId, passwd, readOnly } = records.connectRequest.read(new JuteReader(frame))
  const isNew = sessionId === records.NO_SESSION
  const resume = isNew ? undefined : { session: sessionId, password: passwd ?? new Uint8Array(0) }
  return { timeoutMs: timeOut, resume, lastZxidSeen: asSeen(lastZxidSeen), readOnly }
}

/** @throws PROTOCOL_ERROR when not even the header can be read. */
export function readRequest(frame: Uint8Array, dataBytesMax: number): WireRequest {
  const reader = new JuteReader(frame)
  const { xid, type: opCode } = records.requestHeader.read(reader)
  const translated = judged(translate(opCode, reader), dataBytesMax)
  // A secret, of which the channel overwrites its copy.
  if (opCode === OpCode.auth) frame.fill(0)
  return { xid, opCode, translated }
}

function judged(translated: Translated, dataBytesMax: number): Translated {
  const { request } = translated
  if (request.kind === 'auth') return translated
  const refusal = requestRefusal(request, dataBytesMax)
  if (refusal === undefined) return translated
  return { ...translated, request: { kind: 'invalid', code: replyCodeOf(refusal) ?? 'BAD_ARGUMENTS' } }
}
