import { expect } from 'chai'
import type { Input } from '../../../lib/core/input.js'
import type { PeerMessage } from '../../../lib/core/zab/messages.js'
import { HistorySender } from '../../../lib/host/history-sender.js'
import { ZooKeeperError } from '../../../lib/model/errors.js'
import type { LinkId } from '../../../lib/model/ids.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { isAfter, ZERO, type Zxid, zxid } from '../../../lib/model/zxid.js'
import type { SnapshotReader } from '../../../lib/storage/storage.js'
import { settle } from './settle.js'
import { until } from './until.js'

const link = 7 as LinkId
const at = (counter: number) => zxid(1, counter)

describe('history sender', () => {
  let log: Proposal[]
  let snapshot: SnapshotReader
  let sent: PeerMessage[]
  let inputs: Input[]
  let disconnected: string[]
  let room: boolean
  let drain: (() => void) | undefined
  let grown: (() => void) | undefined
  let readError: unknown
  let afterReading: (() => void) | undefined
  let sender: HistorySender
  const grow = (upTo: number) => {
    while (log.length < upTo) {
      const counter = log.length + 1
      log.push({
        zxid: at(counter),
        previous: at(counter - 1),
        session: '0' as never,
        cxid: 0,
        time: 0,
        txn: null as never,
      })
    }
    grown?.()
  }
  const sentZxids = () => sent.map(message => ('proposal' in message ? message.proposal.zxid.counter : message.kind))

  beforeEach(() => {
    log = []
    sent = []
    inputs = []
    disconnected = []
    room = true
    readError = undefined
    afterReading = undefined
    sender = new HistorySender({
      storage: {
        async *readHistory(after: Zxid) {
          if (readError !== undefined) throw readError
          for (const proposal of [...log]) if (isAfter(proposal.zxid, after)) yield [proposal]
          afterReading?.()
        },
        readSnapshot: async () => snapshot,
      },
      send: (_, message) => {
        sent.push(message)
        return room
      },
      drained: () => new Promise(resolve => (drain = resolve)),
      logGrown: () => new Promise(resolve => (grown = resolve)),
      disconnect: (_, reason) => disconnected.push(reason),
      input: input => inputs.push(input),
    })
  })

  it('streams what is behind `after` and tells the last zxid sent', async () => {
    grow(5)
    sender.sendHistory({ kind: 'sendHistory', link, after: at(2), upTo: at(4), as: 'proposal' })
    await until('ended', () => inputs.length === 1)
    expect(sentZxids()).to.deep.equal([3, 4, 5])
    expect(inputs).to.deep.equal([{ kind: 'syncStreamEnded', link, zxid: at(5) }])
  })

  it('never sends an observer more than is committed', async () => {
    grow(5)
    sender.sendHistory({ kind: 'sendHistory', link, after: ZERO, upTo: at(4), as: 'inform' })
    await until('ended', () => inputs.length === 1)
    expect(sentZxids()).to.deep.equal([1, 2, 3, 4])
    expect(sent.every(message => message.kind === 'inform')).to.equal(true)
    expect(inputs).to.deep.equal([{ kind: 'syncStreamEnded', link, zxid: at(4) }])
  })

  it('waits for the log where `upTo` is not durable yet', async () => {
    grow(2)
    sender.sendHistory({ kind: 'sendHistory', link, after: ZERO, upTo: at(3), as: 'proposal' })
    await until('waits', () => sent.length === 2 && grown !== undefined)
    await settle()
    expect(inputs).to.deep.equal([])
    grow(3)
    await until('ended', () => inputs.length === 1)
    expect(sentZxids()).to.deep.equal([1, 2, 3])
  })

  it('L1: misses no growth of the log that comes while it reads, even if it is the last for long', async () => {
    grow(2)
    afterReading = () => {
      afterReading = undefined
      grow(3)
    }
    sender.sendHistory({ kind: 'sendHistory', link, after: ZERO, upTo: at(3), as: 'proposal' })
    await until('ended', () => inputs.length === 1)
    expect(sentZxids()).to.deep.equal([1, 2, 3])
  })

  it('L4: waits while the link has no room', async () => {
    grow(3)
    room = false
    sender.sendHistory({ kind: 'sendHistory', link, after: ZERO, upTo: at(3), as: 'proposal' })
    await settle()
    expect(sentZxids()).to.deep.equal([1])
    drain!()
    await settle()
    expect(sentZxids()).to.deep.equal([1, 2])
    room = true
    drain!()
    await until('ended', () => inputs.length === 1)
  })

  it('ends with its link, without a word', async () => {
    grow(3)
    room = false
    sender.sendHistory({ kind: 'sendHistory', link, after: ZERO, upTo: at(3), as: 'proposal' })
    await settle()
    sender.linkClosed(link)
    drain!()
    await sender.close()
    expect(sentZxids()).to.deep.equal([1])
    expect(inputs).to.deep.equal([])
  })

  it('says nothing of the end of a stream whose link closed while it read', async () => {
    sender.sendHistory({ kind: 'sendHistory', link, after: at(1), upTo: at(1), as: 'proposal' })
    sender.linkClosed(link)
    await sender.close()
    expect(inputs).to.deep.equal([])
  })

  it('sends a snapshot, then the log behind it', async () => {
    grow(4)
    let closed = 0
    snapshot = {
      zxid: at(2),
      time: 9,
      digest: { high: 1, low: 2 },
      chunks: (async function* () {
        yield Uint8Array.of(1)
        yield Uint8Array.of(2)
      })(),
      close: async () => {
        closed++
      },
    }
    sender.sendSnapshot({ kind: 'sendSnapshot', link, upTo: at(3), as: 'proposal' })
    await until('ended', () => inputs.length === 1)
    expect(sentZxids()).to.deep.equal(['snapshotBegin', 'snapshotChunk', 'snapshotChunk', 'snapshotEnd', 3, 4])
    expect(sent[0]).to.deep.equal({ kind: 'snapshotBegin', zxid: at(2), time: 9, digest: { high: 1, low: 2 } })
    expect(closed).to.equal(1)
    expect(inputs).to.deep.equal([{ kind: 'syncStreamEnded', link, zxid: at(4) }])
  })

  it('gives the link up when the history is gone, and the peer when it cannot be read (D2)', async () => {
    readError = new ZooKeeperError('HISTORY_PURGED', 'gone')
    sender.sendHistory({ kind: 'sendHistory', link, after: ZERO, upTo: at(1), as: 'proposal' })
    await until('disconnected', () => disconnected.length === 1)
    expect(inputs).to.deep.equal([])
    readError = new ZooKeeperError('DATA_CORRUPT', 'a flipped bit')
    sender.sendHistory({ kind: 'sendHistory', link, after: ZERO, upTo: at(1), as: 'proposal' })
    await until('failed', () => inputs.length === 1)
    expect(inputs[0]).to.include({ kind: 'storageFailed', code: 'DATA_CORRUPT' })
  })
})
