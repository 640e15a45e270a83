import { expect } from 'chai'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'
import { TimeSlice } from '../../../../lib/storage/level/time-slice.js'
import { changes, proposals, znode } from '../../../compliance/storage-fixtures.js'
import { DataDir } from './data-dir.js'

describe('a slice of time', () => {
  it('is over after 4 ms by the clock, and begins again behind a turn for others', async () => {
    let time = 100
    const slice = new TimeSlice(() => time)
    const worked = () => Array.from({ length: 16 }, () => slice.isOver(10)).includes(true)
    expect(worked()).to.equal(false)
    time += 3.9
    expect(worked()).to.equal(false)
    time += 0.1
    expect(worked()).to.equal(true)
    let turns = 0
    setImmediate(() => turns++)
    await slice.next()
    expect(turns).to.equal(1)
    expect(worked()).to.equal(false)
  })

  it('looks at the clock at each large entry', () => {
    let looks = 0
    const slice = new TimeSlice(() => looks++)
    expect(looks).to.equal(1)
    slice.isOver(100_000)
    expect(looks).to.equal(2)
  })

  describe('ends', () => {
    let data: DataDir
    beforeEach(async () => {
      data = await DataDir.make()
    })
    afterEach(() => data.destroy())

    /** Turns that `work` gives others: the event loop has its own while it waits for the disk. */
    async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
      const { setImmediate: real } = globalThis
      let turns = 0
      globalThis.setImmediate = ((callback: () => void) => {
        turns++
        return real(callback)
      }) as typeof setImmediate
      try {
        await work()
      } finally {
        globalThis.setImmediate = real
      }
      return turns
    }

    // Too few for a slice to end by their number.
    const few = changes(
      zxid(1, 1),
      Array.from({ length: 480 }, (_, n) => [`/n${n}`, znode(n)] as const),
    )

    it('within a checkpoint when the machine is slow, without one write more', async () => {
      const slow = data.store({ now: ticking(1) })
      await slow.open()
      await slow.append(proposals(ZERO, 1, 1))
      // The clock is looked at every 16 entries, and 4 of its milliseconds are over at every fourth look.
      expect(await turnsDuring(() => slow.checkpoint(few))).to.be.at.least(480 / 16 / 5)
      const { chunks, close } = await slow.readSnapshot()
      const received = []
      for await (const chunk of chunks) received.push(chunk)
      await close()
      expect(received).to.have.length(1)
      await slow.close()
    })

    it('within loading and receiving', async () => {
      const storage = data.store({ now: ticking(0) })
      await storage.open()
      await storage.append(proposals(ZERO, 1, 1))
      await storage.checkpoint(few)
      const { chunks, close, ...header } = await storage.readSnapshot()
      const received: Uint8Array[] = []
      for await (const chunk of chunks) received.push(chunk)
      await close()
      await storage.close()
      const slow = data.store({ now: ticking(100) })
      const looks = 480 / 16
      expect(await turnsDuring(() => slow.open())).to.be.at.least(looks)
      const installer = await slow.installSnapshot({ ...header, zxid: zxid(1, 2) })
      expect(await turnsDuring(() => installer.write(received[0]!))).to.be.at.least(looks)
      await installer.finish()
      await slow.close()
      // Now from a pack.
      const again = data.store({ now: ticking(100) })
      expect(await turnsDuring(() => again.open())).to.be.at.least(looks)
    })
  })
})

/** A clock that has gone on by so many milliseconds whenever it is looked at. */
function ticking(step: number): () => number {
  let time = 0
  return () => {
    time += step
    return time
  }
}
