import { expect } from 'chai'
import type { Input } from '../../../lib/core/input.js'
import { type LogOperation, LogWriter } from '../../../lib/host/log-writer.js'
import { ZooKeeperError } from '../../../lib/model/errors.js'
import type { LinkId, OperationNumber, SessionId } from '../../../lib/model/ids.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { zxid } from '../../../lib/model/zxid.js'
import { settle } from './settle.js'

const proposal = (counter: number): Proposal => ({
  zxid: zxid(1, counter),
  previous: zxid(counter === 1 ? 0 : 1, counter - 1),
  session: '0000000000000001' as SessionId,
  cxid: counter,
  time: 0,
  txn: { kind: 'error', code: 'NO_NODE' },
})
const append = (op: number, ...counters: number[]): LogOperation => ({
  kind: 'append',
  op: op as OperationNumber,
  proposals: counters.map(proposal),
})
const saveEpochs = (op: number): LogOperation => ({
  kind: 'saveEpochs',
  op: op as OperationNumber,
  epochs: { accepted: 1, current: 1 },
})

/** A store whose every operation waits until the test lets it end. */
class SlowStorage {
  readonly calls: string[] = []
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = []
  append = (group: readonly Proposal[]): Promise<void> => this.#call(`append ${group.map(p => p.zxid.counter)}`)
  truncate = (): Promise<void> => this.#call('truncate')
  saveEpochs = (): Promise<void> => this.#call('saveEpochs')
  async finish(error?: unknown): Promise<void> {
    const next = this.#waiting.shift()!
    if (error === undefined) next.resolve()
    else next.reject(error)
    await settle()
  }
  #call(name: string): Promise<void> {
    this.calls.push(name)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }
}

describe('log writer', () => {
  let storage: SlowStorage
  let completed: Input[]
  let writing: string[]
  let installed: (input: Input) => void
  let writer: LogWriter
  beforeEach(() => {
    storage = new SlowStorage()
    completed = []
    writing = []
    writer = new LogWriter({
      storage,
      installSnapshot: () => {
        storage.calls.push('install')
        return new Promise(resolve => {
          installed = resolve
        })
      },
      completed: input => completed.push(input),
      writing: () => {
        writing.push('begun')
        return () => writing.push('durable')
      },
    })
  })
  const submit = (...operations: LogOperation[]) => {
    for (const operation of operations) writer.submit(operation)
    writer.flush()
  }

  it('tells when a group is about to be written, and when it is durable', async () => {
    submit(append(1, 1))
    expect([storage.calls, writing]).to.deep.equal([['append 1'], ['begun']])
    await storage.finish()
    expect(writing).to.deep.equal(['begun', 'durable'])
    submit(saveEpochs(2))
    await storage.finish()
    expect(writing.length, 'of the log only').to.equal(2)
  })

  it('Z17: tells nothing before the storage promise resolves', async () => {
    submit(append(1, 1))
    await settle()
    expect(storage.calls).to.deep.equal(['append 1'])
    expect(completed).to.deep.equal([])
    await storage.finish()
    expect(completed).to.deep.equal([{ kind: 'logged', op: 1, zxid: zxid(1, 1) }])
  })

  it('makes one group of a turn, and one of all that gathers while it is written', async () => {
    submit(append(1, 1), append(2, 2, 3))
    submit(append(3, 4))
    submit(append(4, 5))
    await storage.finish()
    expect(storage.calls).to.deep.equal(['append 1,2,3', 'append 4,5'])
    expect(completed).to.deep.equal([{ kind: 'logged', op: 2, zxid: zxid(1, 3) }])
    await storage.finish()
    expect(completed[1]).to.deep.equal({ kind: 'logged', op: 4, zxid: zxid(1, 5) })
    expect(writer.idle).to.equal(true)
  })

  it('carries everything out in the order given, one at a time', async () => {
    const begin = { kind: 'snapshotBegin', zxid: zxid(1, 9), time: 0, digest: { high: 0, low: 0 } } as const
    submit(
      append(1, 1),
      saveEpochs(2),
      append(3, 2),
      { kind: 'truncate', op: 4 as OperationNumber, after: zxid(1, 1) },
      { kind: 'installSnapshot', op: 5 as OperationNumber, link: 1 as LinkId, begin },
      saveEpochs(6),
    )
    for (let n = 0; n < 4; n++) await storage.finish()
    expect(storage.calls).to.deep.equal(['append 1', 'saveEpochs', 'append 2', 'truncate', 'install'])
    installed({ kind: 'snapshotAborted', op: 5 as OperationNumber })
    await settle()
    expect(storage.calls.at(-1)).to.equal('saveEpochs')
    await storage.finish()
    expect(completed.map(input => input.kind)).to.deep.equal([
      'logged',
      'epochsSaved',
      'logged',
      'truncated',
      'snapshotAborted',
      'epochsSaved',
    ])
  })

  it('D2: after the first failure tells it once, writes nothing more and completes nothing more', async () => {
    submit(append(1, 1), saveEpochs(2), append(3, 2))
    await storage.finish(new ZooKeeperError('STORAGE_LOW', 'the disk is full'))
    submit(append(4, 3))
    await settle()
    expect(storage.calls).to.deep.equal(['append 1'])
    expect(completed).to.deep.equal([
      { kind: 'storageFailed', code: 'STORAGE_LOW', reason: 'STORAGE_LOW: the disk is full' },
    ])
  })

  it('after stop tells nothing, not even of what was under way', async () => {
    submit(append(1, 1), append(2, 2))
    const stopped = writer.stop()
    await storage.finish()
    await stopped
    expect(storage.calls).to.deep.equal(['append 1,2'])
    expect(completed).to.deep.equal([])
  })

  it('bounds a group', async () => {
    submit(...Array.from({ length: 5000 }, (_, n) => append(n + 1, n + 1)))
    await storage.finish()
    expect(completed).to.deep.equal([{ kind: 'logged', op: 4096, zxid: zxid(1, 4096) }])
  })
})
