import { readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import fc from 'fast-check'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'
import { DurableMark } from '../../../../lib/storage/level/durable-mark.js'
import { FailStop } from '../../../../lib/storage/level/fail-stop.js'
import { changes, codeOf, proposals } from '../../../compliance/storage-fixtures.js'
import { DataDir, flipped, watchingWrites } from './data-dir.js'

const epochs = { accepted: 0, current: 0 }

describe('durable mark', () => {
  let data: DataDir
  let file: string
  beforeEach(async () => {
    data = await DataDir.make()
    await data.recovered()
    file = data.file('mark')
    await DurableMark.create(file, { generation: 1, zxid: ZERO, epochs })
  })
  afterEach(() => data.destroy())

  const read = async () => {
    const mark = await DurableMark.open(file, new FailStop())
    const { value } = mark
    await mark.close()
    return value
  }
  async function write(...counters: number[]) {
    const mark = await DurableMark.open(file, new FailStop())
    for (const counter of counters) await mark.lower({ zxid: zxid(1, counter) })
    await mark.close()
  }

  it('is what was written last, up or down', async () => {
    for (const counter of [5, 9, 3]) {
      await write(counter)
      expect(await read()).to.deep.equal({ generation: 1, zxid: zxid(1, counter), epochs })
    }
  })

  it('D5: is the one before when the last write is torn, and damage when both are gone', async () => {
    await write(5, 6)
    const content = await readFile(file)
    const counters = new Set<number>()
    for (const slot of [0, 512]) {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 0, max: 8 * 33 - 1 }), async bit => {
          await writeFile(file, flipped(content, slot + (bit >> 3), 1 << (bit & 7)))
          const { zxid: found } = await read()
          counters.add(found.counter)
        }),
        { numRuns: 60 },
      )
    }
    expect([...counters].sort()).to.deep.equal([5, 6])
    const both = flipped(flipped(content, 20), 512 + 20)
    for (const damaged of [both, Buffer.alloc(1024), Buffer.alloc(0), content.subarray(0, 12)]) {
      await writeFile(file, damaged)
      expect(await codeOf(read())).to.equal('DATA_CORRUPT')
    }
  })

  it('follows the log also when nothing more happens', async () => {
    const storage = data.store()
    await storage.open()
    await storage.append(proposals(ZERO, 1, 7))
    for (;;) {
      // The file is read while the store has it; the test's own time limit ends this loop.
      if ((await read()).zxid.counter === 7) break
      await new Promise(resolve => setImmediate(resolve))
    }
    expect((await read()).zxid).to.deep.equal(zxid(1, 7))
  })

  it('is up to date after close', async () => {
    await data.with(async storage => {
      await storage.append(proposals(ZERO, 1, 7))
      await storage.saveEpochs({ accepted: 5, current: 4 })
    })
    expect(await read()).to.deep.equal({ generation: 1, zxid: zxid(1, 7), epochs: { accepted: 5, current: 4 } })
  })

  it('is lowered before the log is cut: never ahead of it', async () => {
    await data.with(storage => storage.append(proposals(ZERO, 1, 7)))
    expect((await read()).zxid).to.deep.equal(zxid(1, 7))
    const storage = data.store()
    await storage.open()
    let killed: DataDir | undefined
    const after = async () => {
      killed ??= await data.copy()
    }
    await watchingWrites({ after }, () => storage.truncate(zxid(1, 3)))
    expect((await read()).zxid).to.deep.equal(zxid(1, 3))
    expect((await killed!.recovered()).suffix).to.have.length(3)
    await killed!.destroy()
  })

  it('is of the new generation after a snapshot', async () => {
    await data.with(async storage => {
      await storage.append(proposals(ZERO, 1, 7))
      const installer = await storage.installSnapshot({ zxid: zxid(1, 4), time: 1, digest: { high: 0, low: 0 } })
      await installer.finish()
      expect(await read()).to.deep.include({ generation: 2, zxid: zxid(1, 4) })
      await storage.append(proposals(zxid(1, 4), 2, 1))
      await storage.checkpoint(changes(zxid(2, 1), []))
    })
    expect(await read()).to.deep.include({ generation: 2, zxid: zxid(2, 1) })
  })
})
