import { expect } from 'chai'
import { hasCode } from '../../../../lib/model/errors.js'
import type { PeerId } from '../../../../lib/model/ids.js'
import { ZERO } from '../../../../lib/model/zxid.js'
import { SeededRandom } from '../../../../lib/testing/seeded-random.js'
import { realTimeline, type Timeline, VirtualTime } from '../../../../lib/testing/virtual/timeline.js'
import { VirtualDisk } from '../../../../lib/testing/virtual/virtual-disk.js'
import { VirtualProcess } from '../../../../lib/testing/virtual/virtual-process.js'
import { storageCompliance } from '../../../compliance/storage.js'
import { proposals } from '../../../compliance/storage-fixtures.js'

const makeDisk = (timeline: Timeline, seed: number, latencyMs: number, retention = {}): VirtualDisk =>
  new VirtualDisk({
    ensemble: 'test',
    peer: 1 as PeerId,
    timeline,
    random: new SeededRandom(seed, 'disk'),
    latencyMs: () => latencyMs,
    done: () => undefined,
    ...retention,
  })

storageCompliance('virtual disk', async (retention = {}) => {
  const timeline = realTimeline()
  const disk = makeDisk(timeline, 1, 0, retention)
  return { store: () => disk.storage(new VirtualProcess(timeline)), destroy: async () => {} }
})

describe('virtual disk', () => {
  /** What a promise has come to, without waiting for it. */
  const outcome = <T>(promise: Promise<T>): { value?: T; error?: unknown } => {
    const seen: { value?: T; error?: unknown } = {}
    promise.then(
      value => {
        seen.value = value
      },
      error => {
        seen.error = error
      },
    )
    return seen
  }

  it('D2: resolves no write before its latency has passed', async () => {
    const time = new VirtualTime()
    const store = makeDisk(time, 1, 5).storage(new VirtualProcess(time))
    const opened = outcome(store.open())
    await time.run(5)
    expect(opened.value).to.not.equal(undefined)
    const appended = outcome(store.append(proposals(ZERO, 1, 3)))
    await time.run(9)
    expect(appended).to.deep.equal({})
    await time.run(10)
    expect(appended).to.have.property('value')
  })

  it('keeps all that was promised at a crash, and of the rest a beginning or nothing', async () => {
    const left = new Set<number>()
    for (let seed = 1; seed <= 60; seed++) {
      const time = new VirtualTime()
      const disk = makeDisk(time, seed, 5)
      const store = disk.storage(new VirtualProcess(time))
      const all = proposals(ZERO, 1, 6)
      outcome(store.open())
      await time.run(5)
      const promised = outcome(store.append(all.slice(0, 2)))
      await time.run(10)
      expect(promised).to.have.property('value')
      const inDoubt = outcome(store.append(all.slice(2)))
      await time.run(12)
      disk.crash()
      const again = outcome(disk.storage(new VirtualProcess(time)).open())
      await time.run(50)
      expect(hasCode(inDoubt.error, 'CLOSED')).to.equal(true)
      const { suffix } = again.value!
      expect(suffix).to.deep.equal(all.slice(0, suffix.length))
      left.add(suffix.length)
    }
    expect([...left].sort()).to.deep.equal([2, 3, 4, 5, 6])
  })

  it('D4: takes nothing more after a failure, until it is opened again', async () => {
    const time = new VirtualTime()
    const disk = makeDisk(time, 1, 1)
    const store = disk.storage(new VirtualProcess(time))
    outcome(store.open())
    await time.run(1)
    disk.failNext = true
    const failed = outcome(store.append(proposals(ZERO, 1, 1)))
    await time.run(2)
    expect(hasCode(failed.error, 'STORAGE_FAILED')).to.equal(true)
    const next = outcome(store.saveEpochs({ accepted: 1, current: 0 }))
    await time.run(10)
    expect(hasCode(next.error, 'STORAGE_FAILED')).to.equal(true)
  })

  it('tells a process that stands still only when it goes on, and one that is gone never', async () => {
    const time = new VirtualTime()
    const process = new VirtualProcess(time)
    const disk = makeDisk(time, 1, 1)
    const store = disk.storage(process)
    outcome(store.open())
    await time.run(1)
    process.pause()
    const held = outcome(store.append(proposals(ZERO, 1, 1)))
    await time.run(100)
    expect(held).to.deep.equal({})
    process.resume()
    await time.run(101)
    expect(held).to.have.property('value')
  })

  const life = async (disk: VirtualDisk, time: VirtualTime) => {
    const store = disk.storage(new VirtualProcess(time))
    const opened = outcome(store.open())
    await time.run(time.now() + 10)
    return { store, opened }
  }
  const settled = async <T>(time: VirtualTime, promise: Promise<T>) => {
    const seen = outcome(promise)
    await time.run(time.now() + 10)
    return seen
  }

  it('D3: finds damage at the next start, keeps the epochs, and is marked until it is repaired', async () => {
    const time = new VirtualTime()
    const disk = makeDisk(time, 1, 1)
    const first = await life(disk, time)
    await settled(time, first.store.saveEpochs({ accepted: 2, current: 2 }))
    await settled(time, first.store.append(proposals(ZERO, 2, 3)))
    expect(disk.whole).to.equal(true)
    disk.crash()
    disk.corrupt()
    const second = await life(disk, time)
    expect(hasCode(second.opened.error, 'DATA_CORRUPT')).to.equal(true)
    const { value } = await settled(time, second.store.beginRepair!(second.opened.error))
    expect(value).to.have.property('damage')
    expect([value!.suffix.length, value!.epochs]).to.deep.equal([0, { accepted: 2, current: 2 }])
    disk.crash()
    const third = await life(disk, time)
    expect(third.opened.value).to.have.property('damage')
    expect(disk.whole).to.equal(false)
    await settled(time, third.store.endRepair!())
    disk.crash()
    expect((await life(disk, time)).opened.value!.damage).to.equal(undefined)
    expect(disk.whole).to.equal(true)
  })

  it('Z29: is empty, and another one, once it was wiped', async () => {
    const time = new VirtualTime()
    const disk = makeDisk(time, 1, 1)
    const before = await life(disk, time)
    await settled(time, before.store.saveEpochs({ accepted: 2, current: 2 }))
    disk.crash()
    disk.wipe()
    const { value } = (await life(disk, time)).opened
    expect(value!.epochs).to.deep.equal({ accepted: 0, current: 0 })
    expect(value!.identity.incarnation).to.not.equal(before.opened.value!.identity.incarnation)
    expect(disk.whole).to.equal(false)
  })

  it('D7: takes neither a write nor a start while it is full, and both when there is room', async () => {
    const time = new VirtualTime()
    const disk = makeDisk(time, 1, 1)
    const { store } = await life(disk, time)
    disk.full = true
    expect(hasCode((await settled(time, store.append(proposals(ZERO, 1, 1)))).error, 'STORAGE_FAILED')).to.equal(true)
    disk.crash()
    expect(hasCode((await life(disk, time)).opened.error, 'STORAGE_FAILED')).to.equal(true)
    disk.crash()
    disk.full = false
    expect((await life(disk, time)).opened).to.have.property('value')
  })

  it('fails one read, and takes as long as it is stuck', async () => {
    const time = new VirtualTime()
    const disk = makeDisk(time, 1, 1)
    disk.failRead = true
    expect(hasCode((await life(disk, time)).opened.error, 'STORAGE_FAILED')).to.equal(true)
    disk.crash()
    const { store } = await life(disk, time)
    disk.stall(1000)
    const appended = outcome(store.append(proposals(ZERO, 1, 1)))
    await time.run(time.now() + 990)
    expect(appended).to.deep.equal({})
    await time.run(time.now() + 20)
    expect(appended).to.have.property('value')
  })
  it('ends what it is stuck with in the time that it takes otherwise, when it is released', async () => {
    const time = new VirtualTime()
    const disk = makeDisk(time, 1, 1)
    const { store } = await life(disk, time)
    disk.slowness = 100
    disk.stall(1000)
    const all = proposals(ZERO, 1, 2)
    const first = outcome(store.append(all.slice(0, 1)))
    const second = outcome(store.append(all.slice(1)))
    await time.run(time.now() + 10)
    disk.release()
    expect(first).to.deep.equal({})
    await time.run(time.now() + 1)
    expect(first).to.have.property('value')
    expect(second).to.have.property('value')
    disk.crash()
    expect((await life(disk, time)).opened.value!.suffix).to.deep.equal(all)
  })
})
