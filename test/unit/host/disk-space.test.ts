import { expect } from 'chai'
import type { Input } from '../../../lib/core/input.js'
import { DISK_LOOK_MS, DiskSpace } from '../../../lib/host/disk-space.js'
import { ManualClock } from './manual-clock.js'
import { settle } from './settle.js'

describe('disk space', () => {
  let clock: ManualClock
  let free: number | Error
  let looks: number
  let inputs: Input[]
  let said: string[]
  let space: DiskSpace
  const make = (freeBytesMin: number, hasDisk = true) =>
    new DiskSpace({
      freeBytes: hasDisk
        ? async () => {
            looks++
            if (free instanceof Error) throw free
            return free
          }
        : undefined,
      clock,
      logger: {
        debug() {},
        info: message => said.push(`info ${message}`),
        warn: message => said.push(`warn ${message}`),
        error: message => said.push(`error ${message}`),
      },
      input: input => inputs.push(input),
      changed() {},
      freeBytesMin,
    })
  const look = async () => {
    clock.advance(DISK_LOOK_MS)
    await settle()
  }
  beforeEach(() => {
    clock = new ManualClock()
    free = 1000
    looks = 0
    inputs = []
    said = []
    space = make(100)
  })
  afterEach(async () => {
    await space.stop()
    expect(clock.timers, 'timers left').to.equal(0)
  })

  it('D7: tells the core once when there is less than should be, already at the start', async () => {
    free = 99
    await space.start()
    await look()
    expect(inputs).to.deep.equal([{ kind: 'storageSpace', low: true }])
    expect([space.low, space.freeBytes, looks]).to.deep.equal([true, 99, 2])
    expect(said).to.deep.equal(['error the disk is low: writes are refused (STORAGE_LOW) until there is room again'])
  })

  it('says nothing while there is enough, and that is exactly the watermark', async () => {
    free = 100
    await space.start()
    await look()
    expect([inputs, said, space.low]).to.deep.equal([[], [], false])
  })

  it('recovers by itself, a tenth above the watermark', async () => {
    free = 50
    await space.start()
    for (free of [100, 109]) await look()
    expect(space.low).to.equal(true)
    free = 111
    await look()
    expect(inputs.at(-1)).to.deep.equal({ kind: 'storageSpace', low: false })
    free = 101
    await look()
    expect(space.low, 'between the two nothing changes').to.equal(false)
  })

  it('changes nothing while it cannot measure, says so once, and goes on looking', async () => {
    free = 50
    await space.start()
    free = new Error('no such device')
    await look()
    await look()
    expect([space.low, looks, said.length]).to.deep.equal([true, 3, 2])
    free = 500
    await look()
    expect(space.low).to.equal(false)
  })

  it('never looks when the option is 0, or the store has no disk', async () => {
    free = 0
    for (const never of [make(0), make(100, false)]) {
      await never.start()
      await look()
      expect([never.low, never.freeBytes, looks]).to.deep.equal([false, undefined, 0])
      await never.stop()
    }
  })

  it('R3: tells nothing after it was stopped, also of a look under way', async () => {
    await space.start()
    free = 1
    clock.advance(DISK_LOOK_MS)
    await space.stop()
    expect([inputs, space.low]).to.deep.equal([[], false])
  })
})
