/**
 * The fields that messages, requests, txns and tree entries share: each a pair of `write…` and `read…`.
 * 64 bits are two items, high and low; a list of small fixed groups is one flat array.
 */
import type { Acl, AclEntry, Identities, Identity } from '../model/acl.js'
import type { Digest, StateDigest } from '../model/digest.js'
import { type RefusalCode, type ReplyCode, zookeeperCodes } from '../model/errors.js'
import { isPeerId, type PeerId, type SessionId } from '../model/ids.js'
import { invariant } from '../model/invariant.js'
import type { Owner } from '../model/owner.js'
import type { Zxid } from '../model/zxid.js'
import type { CborReader } from './cbor-reader.js'
import type { CborWriter } from './cbor-writer.js'

/** Two items. */
export function writeZxid(writer: CborWriter, value: Zxid): void {
  writer.uint(value.epoch)
  writer.uint(value.counter)
}

/** `known`: is returned if it is the same one. */
export function readZxid(reader: CborReader, known?: Zxid): Zxid {
  const epoch = reader.uint()
  const counter = reader.uint()
  return known !== undefined && known.counter === counter && known.epoch === epoch ? known : { epoch, counter }
}

/** Two items, and two more for what earlier releases did not count, if it is known. */
export function writeStateDigest(writer: CborWriter, value: StateDigest): void {
  writeDigest(writer, value)
  if (value.system !== undefined) writeDigest(writer, value.system)
}

export function readStateDigest(reader: CborReader, withSystem: boolean): StateDigest {
  const digest = readDigest(reader)
  return withSystem ? { ...digest, system: readDigest(reader) } : digest
}

function writeDigest(writer: CborWriter, value: Digest): void {
  writer.uint(value.high)
  writer.uint(value.low)
}

function readDigest(reader: CborReader): Digest {
  return { high: reader.uint(), low: reader.uint() }
}

/** Eight of the sixteen hexadecimal digits of a session id. */
export function sessionWord(session: SessionId, from: 0 | 8): number {
  invariant(session.length === 16, 'not a session id')
  let word = 0
  for (let i = from; i < from + 8; i++) {
    const code = session.charCodeAt(i)
    const digit = code < 58 ? code - 48 : code - 87
    invariant(digit >= 0 && digit <= 15, 'not a session id')
    word = (word << 4) | digit
  }
  return word >>> 0
}

/** Two items. */
export function writeSession(writer: CborWriter, session: SessionId): void {
  writer.uint(sessionWord(session, 0))
  writer.uint(sessionWord(session, 8))
}

export function readSession(reader: CborReader): SessionId {
  const high = reader.uint().toString(16).padStart(8, '0')
  return (high + reader.uint().toString(16).padStart(8, '0')) as SessionId
}

/** One item: null, or an array of two, a mark being 64 bits as a session is. */
export function writeOwner(writer: CborWriter, owner: Owner | undefined): void {
  if (owner === undefined) {
    writer.null()
  } else {
    writer.array(2)
    writeSession(writer, owner as SessionId)
  }
}

export function readOwner(reader: CborReader): Owner | undefined {
  if (reader.isNull()) return undefined
  reader.arrayOf(2)
  return readSession(reader)
}

export function writeSessions(writer: CborWriter, sessions: readonly SessionId[]): void {
  writer.array(2 * sessions.length)
  for (const session of sessions) writeSession(writer, session)
}

export function readSessions(reader: CborReader): SessionId[] {
  return readGroups(reader, 2, readSession)
}

export function writeData(writer: CborWriter, data: Uint8Array | null): void {
  if (data === null) writer.null()
  else writer.bytes(data)
}

export function readData(reader: CborReader): Uint8Array | null {
  return reader.isNull() ? null : reader.bytes()
}

export function writeAcl(writer: CborWriter, acl: Acl): void {
  writer.array(3 * acl.length)
  for (const entry of acl) {
    writer.int(entry.perms)
    writer.text(entry.scheme)
    writer.text(entry.id)
  }
}

export function readAcl(reader: CborReader): Acl {
  return readGroups(reader, 3, readAclEntry)
}

function readAclEntry(reader: CborReader): AclEntry {
  return { perms: reader.int(), scheme: reader.text(), id: reader.text() }
}

export function writeIdentities(writer: CborWriter, identities: Identities): void {
  writer.array(2 * identities.length)
  for (const identity of identities) {
    writer.text(identity.scheme)
    writer.text(identity.id)
  }
}

export function readIdentities(reader: CborReader): Identities {
  return readGroups(reader, 2, readIdentity)
}

function readIdentity(reader: CborReader): Identity {
  return { scheme: reader.text(), id: reader.text() }
}

const replyCodes = new Map(
  Object.entries(zookeeperCodes).map(([code, number]) => [number as number, code as ReplyCode]),
)

/** As ZooKeeper's number. */
export function writeReplyCode(writer: CborWriter, code: ReplyCode): void {
  writer.int(zookeeperCodes[code])
}

export function readReplyCode(reader: CborReader): ReplyCode {
  return replyCodes.get(reader.int()) ?? reader.fail('unknown reply code')
}

/** ZooKeeper has no number for it, and uses none below −1000. */
const STORAGE_LOW_NUMBER = -1001

/** As ZooKeeper's number, or one of our own. */
export function writeRefusalCode(writer: CborWriter, code: RefusalCode): void {
  writer.int(code === 'STORAGE_LOW' ? STORAGE_LOW_NUMBER : zookeeperCodes[code])
}

export function readRefusalCode(reader: CborReader): RefusalCode {
  const number = reader.int()
  if (number === STORAGE_LOW_NUMBER) return 'STORAGE_LOW'
  return replyCodes.get(number) ?? reader.fail('unknown refusal code')
}

export function readPeerId(reader: CborReader): PeerId {
  const id = reader.uint()
  return isPeerId(id) ? id : reader.fail('not a peer id')
}

/** One of a few words, as its place in the list. */
export function writeChoice<T extends string>(writer: CborWriter, choices: readonly T[], value: T): void {
  const place = choices.indexOf(value)
  invariant(place >= 0, `not one of the choices: ${value}`)
  writer.uint(place)
}

export function readChoice<T extends string>(reader: CborReader, choices: readonly T[]): T {
  return choices[reader.uint()] ?? reader.fail('not one of the choices')
}

function readGroups<T>(reader: CborReader, items: number, read: (reader: CborReader) => T): T[] {
  const total = reader.array()
  if (total % items !== 0) reader.fail('a list that ends within a group')
  const groups: T[] = []
  for (let i = 0; i < total; i += items) groups.push(read(reader))
  return groups
}
