/**
 * Messages between peers as frames: one array `[type, ...items]` a frame. docs/format.md "Wire" shows the shapes as a table.
 *
 * A proposal's record and a snapshot's chunk are the last item of their message and go out as they are, as a part of their own:
 * never copied, never encoded again. What a decoder answers is a copy throughout: the frame may be reused at once.
 * Every fault in a frame is one error, PROTOCOL_ERROR; the link it came by is closed.
 * Before: host/perform.ts. After: transports/ (as parts), host/links.ts (as frames).
 */
import type { Notification, PeerMessage, RoleName } from '../core/zab/messages.js'
import type { Digest, StateDigest } from '../model/digest.js'
import type { MemberRole } from '../model/ensemble-config.js'
import { hasCode, ZooKeeperError } from '../model/errors.js'
import { PROTOCOL_HIGHEST, SYSTEM_DIGEST_SINCE } from '../model/peer-protocol.js'
import type { Proposal } from '../model/proposal.js'
import { asBuffer, CborReader } from './cbor-reader.js'
import { CborWriter } from './cbor-writer.js'
import {
  readChoice,
  readIdentities,
  readPeerId,
  readRefusalCode,
  readSession,
  readSessions,
  readStateDigest,
  readZxid,
  writeChoice,
  writeIdentities,
  writeRefusalCode,
  writeSession,
  writeSessions,
  writeStateDigest,
  writeZxid,
} from './field-codec.js'
import { decodeRecordIn, recordOf } from './record.js'
import { readRequest, writeRequest } from './request-codec.js'
import { UnionCodec } from './union-codec.js'

const roles: readonly (RoleName | 'repairing')[] = ['looking', 'following', 'leading', 'observing', 'repairing']
const memberRoles: readonly MemberRole[] = ['participant', 'observer']

const writer = new CborWriter()

/** Parts to send back to back as one frame; nobody may change them. `protocol`: what the link speaks. */
export function encodeMessage(message: PeerMessage, protocol: number = PROTOCOL_HIGHEST): readonly Uint8Array[] {
  writer.begin()
  messages.write(writer, protocol < SYSTEM_DIGEST_SINCE ? withoutSystemDigest(message) : message)
  return writer.finishParts()
}

/** One whole frame, without its length prefix. Throws PROTOCOL_ERROR and nothing else. */
export function decodeMessage(frame: Uint8Array): PeerMessage {
  try {
    const reader = new CborReader(asBuffer(frame), 0, frame.length, 'PROTOCOL_ERROR')
    const message = messages.read(reader)
    reader.finish()
    return message
  } catch (error) {
    if (hasCode(error, 'PROTOCOL_ERROR')) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new ZooKeeperError('PROTOCOL_ERROR', why, { cause: error })
  }
}

const messages = new UnionCodec<PeerMessage>({
  notification: {
    type: 1,
    items: 6,
    added: { max: 1, of: message => (standingOf(message) === 0 ? 0 : 1) },
    write(writer, message) {
      writeChoice(writer, roles, message.role)
      writer.uint(message.leader)
      writeZxid(writer, message.zxid)
      writer.uint(message.epoch)
      writer.uint(message.round)
      if (standingOf(message) !== 0) writer.uint(standingOf(message))
    },
    read(reader, added) {
      const role = readChoice(reader, roles)
      const leader = readPeerId(reader)
      const zxid = readZxid(reader)
      const said = { kind: 'notification', role, leader, zxid, epoch: reader.uint(), round: reader.uint() } as const
      if (added === 0) return said
      const standing = reader.uint()
      if (standing < 1 || standing > 7) return reader.fail('unknown standing')
      return {
        ...said,
        ...(standing & 1 ? { fresh: true } : {}),
        ...(standing & 2 ? { blank: true } : {}),
        ...(standing & 4 ? { origin: true } : {}),
      }
    },
  },
  learnerInfo: {
    type: 2,
    items: 2,
    write(writer, message) {
      writeChoice(writer, memberRoles, message.role)
      writer.uint(message.acceptedEpoch)
    },
    read: reader => ({ kind: 'learnerInfo', role: readChoice(reader, memberRoles), acceptedEpoch: reader.uint() }),
  },
  leaderInfo: {
    type: 3,
    items: 1,
    write: (writer, message) => writer.uint(message.epoch),
    read: reader => ({ kind: 'leaderInfo', epoch: reader.uint() }),
  },
  ackEpoch: {
    type: 4,
    items: 4,
    added: { max: 1, of: message => (message.setAside ? 1 : 0) },
    write(writer, message) {
      writer.uint(message.currentEpoch)
      writeZxid(writer, message.lastZxid)
      writer.bool(message.counted)
      if (message.setAside) writer.bool(true)
    },
    read(reader, added) {
      const currentEpoch = reader.uint()
      const lastZxid = readZxid(reader)
      const counted = reader.bool()
      if (added === 0) return { kind: 'ackEpoch', currentEpoch, lastZxid, counted }
      return reader.bool()
        ? { kind: 'ackEpoch', currentEpoch, lastZxid, counted, setAside: true }
        : reader.fail('what is not so is left out')
    },
  },
  diff: {
    type: 5,
    items: 2,
    write: (writer, message) => writeZxid(writer, message.after),
    read: reader => ({ kind: 'diff', after: readZxid(reader) }),
  },
  truncate: {
    type: 6,
    items: 2,
    write: (writer, message) => writeZxid(writer, message.after),
    read: reader => ({ kind: 'truncate', after: readZxid(reader) }),
  },
  snapshotBegin: {
    type: 7,
    items: 6,
    added: { max: 2, of: ({ digest }) => systemItems(digest) },
    write(writer, message) {
      writeZxid(writer, message.zxid)
      writer.uint53(message.time)
      writeStateDigest(writer, message.digest)
    },
    read(reader, added) {
      if (added === 1) return reader.fail('half a digest')
      const [zxid, time] = [readZxid(reader), reader.uint53()]
      return { kind: 'snapshotBegin', zxid, time, digest: readStateDigest(reader, added > 0) }
    },
  },
  snapshotChunk: {
    type: 8,
    items: 1,
    write: (writer, message) => writer.lastBytes(message.bytes),
    read: reader => ({ kind: 'snapshotChunk', bytes: reader.bytes() }),
  },
  snapshotEnd: {
    type: 9,
    items: 0,
    write() {},
    read: () => ({ kind: 'snapshotEnd' }),
  },
  proposal: {
    type: 10,
    items: 1,
    write: (writer, message) => writer.lastBytes(recordOf(message.proposal)),
    read: reader => ({ kind: 'proposal', proposal: readRecord(reader) }),
  },
  inform: {
    type: 11,
    items: 1,
    write: (writer, message) => writer.lastBytes(recordOf(message.proposal)),
    read: reader => ({ kind: 'inform', proposal: readRecord(reader) }),
  },
  newLeader: {
    type: 12,
    items: 3,
    write(writer, message) {
      writer.uint(message.epoch)
      writeZxid(writer, message.zxid)
    },
    read: reader => ({ kind: 'newLeader', epoch: reader.uint(), zxid: readZxid(reader) }),
  },
  ackNewLeader: {
    type: 13,
    items: 1,
    write: (writer, message) => writer.uint(message.epoch),
    read: reader => ({ kind: 'ackNewLeader', epoch: reader.uint() }),
  },
  upToDate: {
    type: 14,
    items: 2,
    write: (writer, message) => writeZxid(writer, message.committed),
    read: reader => ({ kind: 'upToDate', committed: readZxid(reader) }),
  },
  ack: {
    type: 15,
    items: 2,
    write: (writer, message) => writeZxid(writer, message.zxid),
    read: reader => ({ kind: 'ack', zxid: readZxid(reader) }),
  },
  commit: {
    type: 16,
    items: 2,
    write: (writer, message) => writeZxid(writer, message.zxid),
    read: reader => ({ kind: 'commit', zxid: readZxid(reader) }),
  },
  ping: {
    type: 17,
    items: 2,
    write(writer, message) {
      writer.uint(message.number)
      writer.uint(message.heard)
    },
    read: reader => ({ kind: 'ping', number: reader.uint(), heard: reader.uint() }),
  },
  pong: {
    type: 18,
    items: 2,
    added: { max: 6, of: ({ mark }) => (mark === undefined ? 0 : 4 + systemItems(mark.digest)) },
    write(writer, message) {
      writer.uint(message.number)
      writeSessions(writer, message.touched)
      if (message.mark === undefined) return
      writeZxid(writer, message.mark.zxid)
      writeStateDigest(writer, message.mark.digest)
    },
    read(reader, added) {
      const number = reader.uint()
      const touched = readSessions(reader)
      if (added === 0) return { kind: 'pong', number, touched }
      if (added !== 4 && added !== 6) return reader.fail('half a mark')
      const mark = { zxid: readZxid(reader), digest: readStateDigest(reader, added === 6) }
      return { kind: 'pong', number, touched, mark }
    },
  },
  request: {
    type: 19,
    items: 6,
    added: { max: 1, of: message => (message.local ? 1 : 0) },
    write(writer, message) {
      writeSession(writer, message.session)
      writer.uint53(message.cxid)
      writeIdentities(writer, message.identities)
      writeRequest(writer, message.request)
      if (message.local) writer.uint(1)
    },
    read(reader, added) {
      const session = readSession(reader)
      const cxid = reader.uint53()
      const identities = readIdentities(reader)
      const request = readRequest(reader)
      const local = added === 0 ? {} : { local: reader.uint() === 1 || reader.fail('neither local nor not') }
      return { kind: 'request', session, cxid, identities, ...local, request }
    },
  },
  refused: {
    type: 20,
    items: 5,
    write(writer, message) {
      writeSession(writer, message.session)
      writer.uint53(message.cxid)
      writeRefusalCode(writer, message.code)
    },
    read: reader => ({
      kind: 'refused',
      session: readSession(reader),
      cxid: reader.uint53(),
      code: readRefusalCode(reader),
    }),
  },
  synced: {
    type: 21,
    items: 6,
    write(writer, message) {
      writeSession(writer, message.session)
      writer.uint53(message.cxid)
      writeZxid(writer, message.zxid)
    },
    read: reader => ({ kind: 'synced', session: readSession(reader), cxid: reader.uint53(), zxid: readZxid(reader) }),
  },
  revalidate: {
    type: 22,
    items: 3,
    write(writer, message) {
      writeSession(writer, message.session)
      writer.bytes(message.password)
    },
    read: reader => ({ kind: 'revalidate', session: readSession(reader), password: reader.bytes() }),
  },
  revalidated: {
    type: 23,
    items: 5,
    write(writer, message) {
      writeSession(writer, message.session)
      writer.bool(message.valid)
      writeZxid(writer, message.proposed)
    },
    read: reader => ({
      kind: 'revalidated',
      session: readSession(reader),
      valid: reader.bool(),
      proposed: readZxid(reader),
    }),
  },
  diverged: {
    type: 24,
    items: 3,
    write(writer, message) {
      writeZxid(writer, message.zxid)
      writer.bool(message.judged)
    },
    read: reader => ({ kind: 'diverged', zxid: readZxid(reader), judged: reader.bool() }),
  },
})

function systemItems({ system }: StateDigest): number {
  return system === undefined ? 0 : 2
}

/** As a peer knows it that counts nothing below `/zookeeper/`. */
function withoutSystemDigest(message: PeerMessage): PeerMessage {
  if (message.kind === 'snapshotBegin') return { ...message, digest: commonPart(message.digest) }
  if (message.kind !== 'pong' || message.mark === undefined) return message
  return { ...message, mark: { ...message.mark, digest: commonPart(message.mark.digest) } }
}

function commonPart({ high, low }: StateDigest): Digest {
  return { high, low }
}

function standingOf({ fresh, blank, origin }: Notification): number {
  return (fresh ? 1 : 0) + (blank ? 2 : 0) + (origin ? 4 : 0)
}

function readRecord(reader: CborReader): Proposal {
  const start = reader.skipBytes()
  return decodeRecordIn(reader.frame, start, reader.at)
}
