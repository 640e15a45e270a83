/**
 * fast-check arbitraries for every value that crosses a codec. Edges of every integer come up often; texts are any well-formed Unicode,
 * with the names that plain objects would trip over; data includes null and empty.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { PeerMessage } from '../../lib/core/zab/messages.js'
import type { Acl, Identities } from '../../lib/model/acl.js'
import { createModeFromFlag, type Lifetime } from '../../lib/model/create-mode.js'
import type { StateDigest } from '../../lib/model/digest.js'
import { type ReplyCode, zookeeperCodes } from '../../lib/model/errors.js'
import type { PeerId, SessionId } from '../../lib/model/ids.js'
import { CONTAINER_MARK, type Owner, TTL_MAX_MS, ttlMark } from '../../lib/model/owner.js'
import type { Proposal } from '../../lib/model/proposal.js'
import type { ForwardableRequest, MultiStep } from '../../lib/model/request.js'
import type { SessionRecord } from '../../lib/model/session-record.js'
import type { StepTxn, Txn } from '../../lib/model/txn.js'
import type { Znode } from '../../lib/model/znode.js'
import type { Zxid } from '../../lib/model/zxid.js'

const edges = [0, 1, 23, 24, 0xff, 0x100, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]

export const uint32: Arbitrary<number> = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: 0, max: 0xffffffff }))
export const int32: Arbitrary<number> = fc.oneof(
  fc.constantFrom(-1, -24, -25, -0x100, -0x101, -0x10000, -0x10001, -0x80000000, 0, 23, 24, 0x7fffffff),
  fc.integer(),
)
export const uint53: Arbitrary<number> = fc.oneof(
  fc.constantFrom(...edges, 0x100000000, 1_790_000_000_000, Number.MAX_SAFE_INTEGER),
  fc.nat({ max: Number.MAX_SAFE_INTEGER }),
)

export const text: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    '__proto__',
    'constructor',
    'é',
    '\ufeffbom',
    '\ufffd',
    '😀',
    '\u0000',
    'x'.repeat(23),
    'y'.repeat(256),
  ),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
)

/** A path by ZooKeeper's grammar. */
export const path: Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom('a', 'config', '__proto__', 'toString', 'lock-0000000001', 'zoë'),
      fc
        .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 })
        .map(name => name.replaceAll('/', '_'))
        .filter(name => name !== '.' && name !== '..'),
    ),
    { maxLength: 4 },
  )
  .map(names => `/${names.join('/')}`)

export const bytes: Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(0, 23, 24, 255, 256, 20_000).map(length => new Uint8Array(length).fill(7)),
)
export const data: Arbitrary<Uint8Array | null> = fc.option(bytes, { freq: 8 })

export const zxid: Arbitrary<Zxid> = fc.record({ epoch: uint32, counter: uint32 })
const sum = fc.record({ high: uint32, low: uint32 })
export const digest: Arbitrary<StateDigest> = fc.record(
  { high: uint32, low: uint32, system: sum },
  { requiredKeys: ['high', 'low'] },
)
export const sessionId = fc
  .tuple(uint32, uint32)
  .map(words => words.map(word => word.toString(16).padStart(8, '0')).join('') as SessionId)
export const peerId = fc.integer({ min: 1, max: 254 }) as Arbitrary<number> as Arbitrary<PeerId>
export const password: Arbitrary<Uint8Array> = fc.uint8Array({ minLength: 16, maxLength: 16 })
export const owner: Arbitrary<Owner | undefined> = fc.oneof(
  fc.option(sessionId, { nil: undefined }),
  fc.constant(CONTAINER_MARK),
  fc.integer({ min: 1, max: TTL_MAX_MS }).map(ttlMark),
)
export const acl: Arbitrary<Acl> = fc.array(fc.record({ perms: int32, scheme: text, id: text }), { maxLength: 4 })
export const identities: Arbitrary<Identities> = fc.array(fc.record({ scheme: text, id: text }), { maxLength: 3 })
export const replyCode: Arbitrary<ReplyCode> = fc.constantFrom(...(Object.keys(zookeeperCodes) as ReplyCode[]))

/** One arbitrary per kind: a new member of the union does not compile until it has its own. */
type ByKind<U extends { readonly kind: string }> = {
  readonly [K in U['kind']]: Arbitrary<Extract<U, { readonly kind: K }>>
}
const anyOf = <U extends { readonly kind: string }>(byKind: ByKind<U>): Arbitrary<U> =>
  fc.oneof(...(Object.values(byKind) as Arbitrary<U>[]))
const kind = <K extends string>(name: K): Arbitrary<K> => fc.constant(name)

const stepTxns: ByKind<StepTxn> = {
  create: fc.record({ kind: kind('create'), path, data, acl, owner, parentCversion: int32 }),
  delete: fc.record({ kind: kind('delete'), path, replaces: zxid }),
  setData: fc.record({ kind: kind('setData'), path, data, version: int32, replaces: zxid }),
  check: fc.record({ kind: kind('check'), path, version: int32 }),
  error: fc.record({ kind: kind('error'), code: replyCode }),
}
export const txns: ByKind<Txn> = {
  ...stepTxns,
  setAcl: fc.record({ kind: kind('setAcl'), path, acl, version: int32 }),
  createSession: fc.record({ kind: kind('createSession'), session: sessionId, timeoutMs: uint32, password }),
  closeSession: fc.record({ kind: kind('closeSession'), session: sessionId }),
  multi: fc.record({ kind: kind('multi'), steps: fc.array(anyOf<StepTxn>(stepTxns), { maxLength: 5 }) }),
}
export const txn: Arbitrary<Txn> = anyOf(txns)

const createMode = fc.constantFrom(0, 1, 2, 3, 5, 6, 7).map(createModeFromFlag)
const lifetime: Arbitrary<Lifetime> = fc.oneof(
  fc.constant<Lifetime>({ kind: 'container' }),
  fc.record({ kind: kind('ttl'), ttlMs: fc.integer({ min: 1, max: 2 ** 40 - 1 }) }),
)
const multiSteps: ByKind<MultiStep> = {
  create: fc.record(
    { kind: kind('create'), path: text, data, acl, mode: createMode, lifetime },
    { requiredKeys: ['kind', 'path', 'data', 'acl', 'mode'] },
  ),
  delete: fc.record({ kind: kind('delete'), path: text, version: int32 }),
  setData: fc.record({ kind: kind('setData'), path: text, data, version: int32 }),
  check: fc.record({ kind: kind('check'), path: text, version: int32 }),
}
const forwardedRequests: ByKind<ForwardableRequest> = {
  ...multiSteps,
  setAcl: fc.record({ kind: kind('setAcl'), path: text, acl, version: int32 }),
  createSession: fc.record({ kind: kind('createSession'), session: sessionId, timeoutMs: uint32, password }),
  closeSession: fc.record({ kind: kind('closeSession') }),
  invalid: fc.record({ kind: kind('invalid'), code: replyCode }),
  multi: fc.record({ kind: kind('multi'), steps: fc.array(anyOf<MultiStep>(multiSteps), { maxLength: 5 }) }),
  reconfig: fc.record({ kind: kind('reconfig') }),
  sync: fc.record({ kind: kind('sync'), path: text }),
}
const forwardedRequest: Arbitrary<ForwardableRequest> = anyOf(forwardedRequests)

/** Not encoded yet: `record` is absent. */
export const proposal: Arbitrary<Proposal> = fc.record({
  zxid,
  previous: zxid,
  session: sessionId,
  cxid: uint53,
  time: uint53,
  txn,
})

export const znode: Arbitrary<Znode> = fc.record({
  data,
  acl,
  czxid: zxid,
  mzxid: zxid,
  pzxid: zxid,
  ctime: uint53,
  mtime: uint53,
  version: int32,
  cversion: int32,
  aversion: int32,
  owner,
})
export const sessionRecord: Arbitrary<SessionRecord> = fc.record({ session: sessionId, timeoutMs: uint32, password })

export const peerMessages: ByKind<PeerMessage> = {
  notification: fc.record(
    {
      kind: kind('notification'),
      role: fc.constantFrom('looking', 'following', 'leading', 'observing', 'repairing'),
      leader: peerId,
      zxid,
      epoch: uint32,
      round: uint32,
      fresh: fc.constant(true as const),
      blank: fc.constant(true as const),
      origin: fc.constant(true as const),
    },
    { requiredKeys: ['kind', 'role', 'leader', 'zxid', 'epoch', 'round'] },
  ),
  learnerInfo: fc.record({
    kind: kind('learnerInfo'),
    role: fc.constantFrom('participant', 'observer'),
    acceptedEpoch: uint32,
  }),
  leaderInfo: fc.record({ kind: kind('leaderInfo'), epoch: uint32 }),
  ackEpoch: fc.record(
    {
      kind: kind('ackEpoch'),
      currentEpoch: uint32,
      lastZxid: zxid,
      counted: fc.boolean(),
      setAside: fc.constant(true as const),
    },
    { requiredKeys: ['kind', 'currentEpoch', 'lastZxid', 'counted'] },
  ),
  diff: fc.record({ kind: kind('diff'), after: zxid }),
  truncate: fc.record({ kind: kind('truncate'), after: zxid }),
  snapshotBegin: fc.record({ kind: kind('snapshotBegin'), zxid, time: uint53, digest }),
  snapshotChunk: fc.record({ kind: kind('snapshotChunk'), bytes }),
  snapshotEnd: fc.record({ kind: kind('snapshotEnd') }),
  proposal: fc.record({ kind: kind('proposal'), proposal }),
  inform: fc.record({ kind: kind('inform'), proposal }),
  newLeader: fc.record({ kind: kind('newLeader'), epoch: uint32, zxid }),
  ackNewLeader: fc.record({ kind: kind('ackNewLeader'), epoch: uint32 }),
  upToDate: fc.record({ kind: kind('upToDate'), committed: zxid }),
  ack: fc.record({ kind: kind('ack'), zxid }),
  commit: fc.record({ kind: kind('commit'), zxid }),
  ping: fc.record({ kind: kind('ping'), number: uint32, heard: uint32 }),
  pong: fc.record(
    {
      kind: kind('pong'),
      number: uint32,
      touched: fc.array(sessionId, { maxLength: 20 }),
      mark: fc.record({ zxid, digest }),
    },
    { requiredKeys: ['kind', 'number', 'touched'] },
  ),
  request: fc.record(
    {
      kind: kind('request'),
      session: sessionId,
      cxid: uint53,
      identities,
      local: fc.constant(true as const),
      request: forwardedRequest,
    },
    { requiredKeys: ['kind', 'session', 'cxid', 'identities', 'request'] },
  ),
  refused: fc.record({ kind: kind('refused'), session: sessionId, cxid: uint53, code: replyCode }),
  synced: fc.record({ kind: kind('synced'), session: sessionId, cxid: uint53, zxid }),
  revalidate: fc.record({ kind: kind('revalidate'), session: sessionId, password }),
  revalidated: fc.record({ kind: kind('revalidated'), session: sessionId, valid: fc.boolean(), proposed: zxid }),
  diverged: fc.record({ kind: kind('diverged'), zxid, judged: fc.boolean() }),
}
export const peerMessage: Arbitrary<PeerMessage> = anyOf(peerMessages)
