import { expect } from 'chai'
import { lowSpace, mountsMissing, runDiskErrors, straceMissing } from './disk-error-run.js'

describe('a process whose disk fails', () => {
  it('D2, D7: stops, says why, ends, and has lost nothing: failed calls, and full disks', async function () {
    this.timeout(120_000)
    const reason = straceMissing() ?? mountsMissing()
    if (reason !== undefined) {
      console.log(`skipped: ${reason}`)
      this.skip()
    }
    const { violations, points, failStops, acknowledged, fullDisks } = await runDiskErrors({
      points: 4,
      seed: 7,
      say: () => {},
    })
    expect(violations).to.deep.equal([])
    expect([points, fullDisks]).to.deep.equal([4, 2])
    expect(failStops).to.be.greaterThan(1)
    expect(acknowledged).to.be.greaterThan(100)
  })

  it('D7: refuses writes before its disk is full, and takes them again when there is room', async function () {
    this.timeout(60_000)
    const reason = mountsMissing()
    if (reason !== undefined) {
      console.log(`skipped: ${reason}`)
      this.skip()
    }
    expect(await lowSpace()).to.deep.equal([
      'taken',
      'STORAGE_LOW not-applied',
      'low: true, running, health ok: true',
      'STORAGE_LOW not-applied',
      'taken',
      'low: false, all there: true',
    ])
  })
})
