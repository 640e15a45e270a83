import { expect } from 'chai'
import type { Input } from '../../../lib/core/input.js'
import { Checkpointer } from '../../../lib/host/checkpointer.js'
import type { OperationNumber } from '../../../lib/model/ids.js'
import type { ReplicaChanges } from '../../../lib/model/replica-image.js'
import { zxid } from '../../../lib/model/zxid.js'
import { settle } from './settle.js'

const effect = (op: number) =>
  ({ kind: 'checkpoint', op: op as OperationNumber, changes: { zxid: zxid(1, op) } as ReplicaChanges }) as const

describe('checkpointer', () => {
  let bytes: number
  let inputs: Input[]
  let running: { resolve: () => void; reject: (error: unknown) => void }[]
  let checkpointer: Checkpointer
  beforeEach(() => {
    bytes = 0
    inputs = []
    running = []
    checkpointer = new Checkpointer({
      storage: {
        logBytesSinceCheckpoint: () => bytes,
        checkpoint: () =>
          new Promise((resolve, reject) => running.push({ resolve: () => resolve({ base: zxid(1, 0) }), reject })),
      },
      input: input => inputs.push(input),
      logBytes: 100,
    })
  })

  it('asks once when the log has grown enough, and again when the core could not', () => {
    for (bytes = 0; bytes < 200; bytes += 10) checkpointer.logGrew()
    expect(inputs).to.deep.equal([{ kind: 'checkpointDue' }])
    bytes = 200
    checkpointer.logGrew()
    expect(inputs).to.have.length(2)
  })

  it('runs one at a time, tells each, and does not ask meanwhile', async () => {
    checkpointer.submit(effect(1))
    checkpointer.submit(effect(2))
    bytes = 1000
    checkpointer.logGrew()
    expect(running).to.have.length(1)
    running[0]!.resolve()
    await settle()
    expect(running).to.have.length(2)
    running[1]!.resolve()
    await settle()
    expect(inputs).to.deep.equal([1, 2].map(op => ({ kind: 'checkpointed', op, zxid: zxid(1, op), base: zxid(1, 0) })))
  })

  it('D2: makes of a failure a failure of the store', async () => {
    checkpointer.submit(effect(1))
    running[0]!.reject(new Error('EIO'))
    await settle()
    expect(inputs).to.deep.equal([{ kind: 'storageFailed', code: 'STORAGE_FAILED', reason: 'EIO' }])
    checkpointer.submit(effect(2))
    expect(running).to.have.length(1)
  })

  it('waits for what is under way when it stops, and says nothing of it', async () => {
    checkpointer.submit(effect(1))
    const stopped = checkpointer.stop()
    running[0]!.resolve()
    await stopped
    expect(inputs).to.deep.equal([])
  })
})
