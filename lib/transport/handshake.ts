/**
 * The first frame of a link, both ways: who I am, of which ensemble, with which members, speaking which versions. Each side
 * judges the other's; a refusal travels back, so that both sides can say why there is no link.
 *
 * Always holds: pure functions of their arguments, no timers (the host has the deadline); a frame that cannot be a hello or a
 * refusal is PROTOCOL_ERROR and nothing else; both judges come to the same protocol version (the highest both speak).
 * Before: a fresh Connection. After: the host makes it a link, with `linked`. Architecture §7, invariants §5.2 (mix-up), E8, E9.
 */
import type { EnsembleConfig, Member, MemberRole } from '../model/ensemble-config.js'
import { type ErrorCode, type ownCodes, ZooKeeperError } from '../model/errors.js'
import { isPeerId, type PeerId } from '../model/ids.js'
import { invariant } from '../model/invariant.js'
import { fnv1a64 } from './fnv1a64.js'
import { FIRST_FRAME_BYTES_MAX } from './transport.js'

export interface Hello {
  /** The range of peer protocol versions this side speaks, 1 … 65535. */
  readonly protocolLowest: number
  readonly protocolHighest: number
  /** The ensemble's name, at most 255 bytes of UTF-8: what tells ensembles apart. `vivarium recover` gives a new one. */
  readonly ensemble: string
  readonly peer: PeerId
  /** Of this peer's data directory: 32 hexadecimal digits. */
  readonly incarnation: string
  /** From `membersHash`. */
  readonly membersHash: string
  readonly role: MemberRole
}

/** Why there is no link, told to the other side. */
export interface Refusal {
  readonly code: RefusalCode
  /** At most 500 characters are sent. */
  readonly reason: string
}

/** The codes a refusal may carry: nothing else is believed of a stranger. */
export const refusalCodes = [
  'HANDSHAKE_REFUSED',
  'DUPLICATE_PEER',
  'ENSEMBLE_MISMATCH',
  'MEMBERS_MISMATCH',
  'PROTOCOL_ERROR',
  'OVERLOADED',
  'CLOSED',
] as const satisfies readonly (typeof ownCodes)[number][]
export type RefusalCode = (typeof refusalCodes)[number]

export type Judgement =
  | { readonly accepted: true; readonly protocol: number }
  | { readonly accepted: false; readonly code: RefusalCode; readonly reason: string }

export interface JudgeOptions {
  /** Whether another list of members refuses the link. False while a reconfiguration may be known to one side only. @default true */
  readonly sameMembers?: boolean
}

/**
 * Whether a link may be made of two hellos. `expected` is the peer that was dialled; absent on the accepting side.
 *
 * @example
 * const judgement = judgeHello(own, decodeHello(firstFrame), expected)
 * if (!judgement.accepted) connection.send([encodeRefusal(judgement)])
 */
export function judgeHello(own: Hello, theirs: Hello, expected?: PeerId, options: JudgeOptions = {}): Judgement {
  const protocol = Math.min(own.protocolHighest, theirs.protocolHighest)
  if (protocol < Math.max(own.protocolLowest, theirs.protocolLowest)) {
    return refuse('PROTOCOL_ERROR', `no common protocol version: ${versionsOf(own)} here, ${versionsOf(theirs)} there`)
  }
  if (own.ensemble !== theirs.ensemble) {
    return refuse('ENSEMBLE_MISMATCH', `this is ensemble '${own.ensemble}', that is '${theirs.ensemble}'`)
  }
  if (own.peer === theirs.peer) {
    return refuse('DUPLICATE_PEER', `two peers have the id ${own.peer}`)
  }
  if (expected !== undefined && theirs.peer !== expected) {
    return refuse('HANDSHAKE_REFUSED', `peer ${expected} was dialled, peer ${theirs.peer} answered`)
  }
  if (options.sameMembers !== false && own.membersHash !== theirs.membersHash) {
    return refuse(
      'MEMBERS_MISMATCH',
      `the member lists differ: hash ${own.membersHash} at peer ${own.peer}, ${theirs.membersHash} at peer ${theirs.peer}`,
    )
  }
  return { accepted: true, protocol }
}

/** The same for the same members (id, address, role, weight, group), whatever their order and the config's version: 16 hexadecimal digits. */
export function membersHash(config: EnsembleConfig): string {
  const lines = [...config.members]
    .sort((one, two) => one.id - two.id)
    .map(member => `${member.id} ${member.role} ${JSON.stringify(member.address)}${shareOf(member)}\n`)
  return fnv1a64(new TextEncoder().encode(lines.join('')))
}

/** Nothing where all count alike. */
function shareOf({ weight = 1, group }: Member): string {
  return weight === 1 && group === undefined ? '' : ` ${weight} ${group ?? ''}`
}

// Layout: magic (4) kind (1) layout version (1), then
//   hello:   lowest (2) highest (2) peer (1) role (1) members hash (8) incarnation (16) ensemble (1 + n) zero (1: what may follow is not used)
//   refusal: index of the code (1) reason (2 + n)

const MAGIC = 0x5649_5641 // VIVA
/** What a frame before the link is. Nonces and proofs of a shared secret are the business of transports/tcp. */
export const handshakeKinds = { hello: 1, refusal: 2, nonce: 3, proof: 4 } as const
const KIND_HELLO = handshakeKinds.hello
const KIND_REFUSAL = handshakeKinds.refusal
const LAYOUT_VERSION = 1
/** Magic, kind, layout version: what each of these frames begins with. */
export const HANDSHAKE_HEAD_BYTES = 6
const HEAD_BYTES = HANDSHAKE_HEAD_BYTES
const HELLO_FIXED_BYTES = HEAD_BYTES + 2 + 2 + 1 + 1 + 8 + 16
const REASON_LENGTH_MAX = 500
const VERSION_MAX = 65_535
const roles: readonly MemberRole[] = ['participant', 'observer']

/** Throws InvariantViolation for a hello of our own that could not be read back. */
export function encodeHello(hello: Hello): Uint8Array {
  const ensemble = new TextEncoder().encode(hello.ensemble)
  invariant(ensemble.length > 0 && ensemble.length <= 255, 'the name of an ensemble has 1 … 255 bytes')
  invariant(
    isVersionRange(hello.protocolLowest, hello.protocolHighest),
    'protocol versions are 1 … 65535, lowest first',
  )
  invariant(isPeerId(hello.peer), 'a peer id is 1 … 254')
  const bytes = new Uint8Array(HELLO_FIXED_BYTES + 1 + ensemble.length + 1)
  const view = writeHead(bytes, KIND_HELLO)
  view.setUint16(6, hello.protocolLowest)
  view.setUint16(8, hello.protocolHighest)
  view.setUint8(10, hello.peer)
  view.setUint8(11, roles.indexOf(hello.role))
  writeHex(bytes, 12, hello.membersHash, 8)
  writeHex(bytes, 20, hello.incarnation, 16)
  bytes[HELLO_FIXED_BYTES] = ensemble.length
  bytes.set(ensemble, HELLO_FIXED_BYTES + 1)
  return bytes
}

/** Throws PROTOCOL_ERROR for anything else; for a refusal, the ZooKeeperError it carries (see `isRefusal`). */
export function decodeHello(bytes: Uint8Array): Hello {
  if (isRefusal(bytes)) {
    const { code, reason } = decodeRefusal(bytes)
    throw new ZooKeeperError(code, `refused by the other side: ${reason}`)
  }
  const view = readHead(bytes, KIND_HELLO, HELLO_FIXED_BYTES + 2)
  const protocolLowest = view.getUint16(6)
  const protocolHighest = view.getUint16(8)
  const peer: number = view.getUint8(10)
  const role = roles[view.getUint8(11)]
  if (!isVersionRange(protocolLowest, protocolHighest)) throw malformed('protocol versions')
  if (!isPeerId(peer)) throw malformed('peer id')
  if (role === undefined) throw malformed('role')
  const nameEnd = HELLO_FIXED_BYTES + 1 + bytes[HELLO_FIXED_BYTES]!
  if (nameEnd + 1 !== bytes.length || bytes[nameEnd] !== 0) throw malformed('length')
  const ensemble = readText(bytes.subarray(HELLO_FIXED_BYTES + 1, nameEnd))
  if (ensemble === '') throw malformed('ensemble name')
  return {
    protocolLowest,
    protocolHighest,
    ensemble,
    peer,
    incarnation: readHex(bytes, 20, 16),
    membersHash: readHex(bytes, 12, 8),
    role,
  }
}

export function encodeRefusal({ code, reason }: Refusal): Uint8Array {
  const text = new TextEncoder().encode(reason.slice(0, REASON_LENGTH_MAX))
  const bytes = new Uint8Array(HEAD_BYTES + 3 + text.length)
  const view = writeHead(bytes, KIND_REFUSAL)
  view.setUint8(6, refusalCodes.indexOf(code))
  view.setUint16(7, text.length)
  bytes.set(text, 9)
  return bytes
}

/** Whether a frame claims to be a refusal: the one frame that may come in a hello's place or after it. */
export function isRefusal(bytes: Uint8Array): boolean {
  return bytes.length > HEAD_BYTES && viewOf(bytes).getUint32(0) === MAGIC && bytes[4] === KIND_REFUSAL
}

/** Throws PROTOCOL_ERROR when it is none. Control characters in the reason are replaced: it is going to be logged. */
export function decodeRefusal(bytes: Uint8Array): Refusal {
  const view = readHead(bytes, KIND_REFUSAL, HEAD_BYTES + 3)
  const code = refusalCodes[view.getUint8(6)]
  if (code === undefined) throw malformed('code')
  if (view.getUint16(7) !== bytes.length - 9) throw malformed('length')
  return { code, reason: readText(bytes.subarray(9)).replace(/\p{Cc}/gu, '?') }
}

function refuse(code: RefusalCode, reason: string): Judgement {
  return { accepted: false, code, reason }
}

function versionsOf(hello: Hello): string {
  return `${hello.protocolLowest} … ${hello.protocolHighest}`
}

function isVersionRange(lowest: number, highest: number): boolean {
  return lowest >= 1 && lowest <= highest && highest <= VERSION_MAX
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Into the first HANDSHAKE_HEAD_BYTES. */
export function writeHandshakeHead(bytes: Uint8Array, kind: number): void {
  const view = viewOf(bytes)
  view.setUint32(0, MAGIC)
  view.setUint8(4, kind)
  view.setUint8(5, LAYOUT_VERSION)
}

/** The kind that a frame says it is; undefined when it has no head of this layout. */
export function handshakeKindOf(bytes: Uint8Array): number | undefined {
  if (bytes.length < HEAD_BYTES || viewOf(bytes).getUint32(0) !== MAGIC || bytes[5] !== LAYOUT_VERSION) return undefined
  return bytes[4]
}

function writeHead(bytes: Uint8Array, kind: number): DataView {
  writeHandshakeHead(bytes, kind)
  return viewOf(bytes)
}

function readHead(bytes: Uint8Array, kind: number, bytesMin: number): DataView {
  const view = viewOf(bytes)
  if (bytes.length < HEAD_BYTES || bytes.length > FIRST_FRAME_BYTES_MAX) throw malformed('length')
  if (view.getUint32(0) !== MAGIC) throw malformed('magic: this is no vivarium peer')
  if (view.getUint8(4) === handshakeKinds.nonce)
    throw malformed('the other side has a shared secret, this one has none')
  if (view.getUint8(4) !== kind) throw malformed('kind')
  if (view.getUint8(5) !== LAYOUT_VERSION) throw malformed(`layout version ${view.getUint8(5)}`)
  if (bytes.length < bytesMin) throw malformed('length')
  return view
}

function malformed(what: string): ZooKeeperError {
  return new ZooKeeperError('PROTOCOL_ERROR', `malformed handshake: ${what}`)
}

function readText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw malformed('text')
  }
}

function writeHex(bytes: Uint8Array, offset: number, digits: string, length: number): void {
  invariant(digits.length === 2 * length && /^[0-9a-f]*$/.test(digits), `${2 * length} lowercase hexadecimal digits`)
  for (let i = 0; i < length; i++) bytes[offset + i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
}

function readHex(bytes: Uint8Array, offset: number, length: number): string {
  let digits = ''
  for (let i = 0; i < length; i++) digits += bytes[offset + i]!.toString(16).padStart(2, '0')
  return digits
}

/** For the host: any error code as one that a refusal may carry. */
export function refusalCodeOf(code: ErrorCode): RefusalCode {
  return (refusalCodes as readonly ErrorCode[]).includes(code) ? (code as RefusalCode) : 'HANDSHAKE_REFUSED'
}
