/**
 * How many messages and records a second one core encodes and decodes: what every write passes twice on the leader and on each follower.
 *   node --import tsx benchmarks/codec.ts
 */
import { decodeMessage, encodeMessage } from '../lib/codec/message-codec.js'
import { decodeGroup, decodeRecord, encodeGroup, recordOf } from '../lib/codec/record.js'
import { decodeZnode, encodeZnode, SharedParts } from '../lib/codec/tree-codec.js'
import type { PeerMessage } from '../lib/core/zab/messages.js'
import { OPEN_ACL_UNSAFE, TRUSTED } from '../lib/model/acl.js'
import type { SessionId } from '../lib/model/ids.js'
import type { Proposal } from '../lib/model/proposal.js'
import type { Znode } from '../lib/model/znode.js'
import { zxid } from '../lib/model/zxid.js'

const session = '0100000000000001' as SessionId
const data = new Uint8Array(100).fill(1)
const proposalAt = (counter: number): Proposal => ({
  zxid: zxid(3, counter),
  previous: zxid(3, counter - 1),
  session,
  cxid: counter,
  time: 1_790_000_000_000 + counter,
  txn: { kind: 'setData', path: '/services/payment/config', data, version: counter, replaces: zxid(3, counter - 100) },
})
const joined = (message: PeerMessage): Buffer => Buffer.concat(encodeMessage(message))

/** Best of five rounds of a tenth of a second or more, after one to warm up. */
function measure(name: string, perCall: number, call: (i: number) => unknown): void {
  let best = Number.POSITIVE_INFINITY
  let calls = Math.max(1, Math.floor(20_000 / perCall))
  for (let round = 0; round < 6; round++) {
    const started = process.hrtime.bigint()
    for (let i = 1; i <= calls; i++) call(1000 + i)
    const elapsed = Number(process.hrtime.bigint() - started)
    if (round > 0) best = Math.min(best, elapsed / calls / perCall)
    else calls = Math.ceil((calls * 1e8) / elapsed)
  }
  console.log(`${name.padEnd(44)} ${(1000 / best).toFixed(2).padStart(7)} M/s ${best.toFixed(0).padStart(7)} ns`)
}

const record = Buffer.from(recordOf(proposalAt(1000)))
measure('record of a 100-byte setData, encode', 1, i => recordOf(proposalAt(i)))
measure('record of a 100-byte setData, decode', 1, () => decodeRecord(record))
const groupOf64 = Array.from({ length: 64 }, (_, i) => proposalAt(1000 + i))
const group = Buffer.from(encodeGroup(groupOf64))
measure('group of 64 records made before, encode', 64, () => encodeGroup(groupOf64))
measure('group of 64, decode', 64, () => decodeGroup(group))

const made = proposalAt(1000)
recordOf(made)
const proposalFrame = joined({ kind: 'proposal', proposal: made })
measure('proposal message, encode (record made before)', 1, () => encodeMessage({ kind: 'proposal', proposal: made }))
measure('proposal message, decode', 1, () => decodeMessage(proposalFrame))
const ackFrame = joined({ kind: 'ack', zxid: zxid(3, 100_000) })
measure('ack, encode', 1, i => encodeMessage({ kind: 'ack', zxid: zxid(3, i) }))
measure('ack, decode', 1, () => decodeMessage(ackFrame))
const requestAt = (cxid: number): PeerMessage => ({
  kind: 'request',
  session,
  cxid,
  identities: TRUSTED,
  request: { kind: 'setData', path: '/services/payment/config', data, version: -1 },
})
const requestFrame = joined(requestAt(1000))
measure('request with a 100-byte setData, encode', 1, i => encodeMessage(requestAt(i)))
measure('request with a 100-byte setData, decode', 1, () => decodeMessage(requestFrame))

const znode: Znode = {
  data,
  acl: OPEN_ACL_UNSAFE,
  czxid: zxid(3, 1),
  mzxid: zxid(3, 2),
  pzxid: zxid(3, 1),
  ctime: 1_790_000_000_000,
  mtime: 1_790_000_000_000,
  version: 1,
  cversion: 0,
  aversion: 0,
  owner: undefined,
}
const entry = Buffer.from(encodeZnode(znode))
const shared = new SharedParts()
measure('znode of 100 bytes, encode', 1, () => encodeZnode(znode))
measure('znode of 100 bytes, decode', 1, () => decodeZnode(entry, shared))
