import { expect } from 'chai'
import { History } from '../../../../lib/core/zab/history.js'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'
import { logOf, proposal } from './zab-world.js'

function history(count: number): History {
  return new History({ base: ZERO, ranges: [{ epoch: 1, first: 1, last: count }] }, ZERO, logOf(1, count))
}

describe('history of a peer', () => {
  it('Z14: takes only the entry that continues it', () => {
    const log = history(3)
    expect(() => log.append(proposal(zxid(1, 5), zxid(1, 4)))).to.throw('Z14')
    log.append(proposal(zxid(2, 1), zxid(1, 3)))
    expect(log.summary.ranges).to.deep.equal([
      { epoch: 1, first: 1, last: 3 },
      { epoch: 2, first: 1, last: 1 },
    ])
  })

  it('Z22: lets nothing be applied that is not both committed and durable', () => {
    const log = history(1)
    log.append(proposal(zxid(1, 2), zxid(1, 1)))
    expect(log.nextToApply()).to.equal(undefined)
    log.commit(zxid(1, 2))
    log.markApplied(log.nextToApply()!)
    expect(log.nextToApply()).to.equal(undefined)
    log.logged(zxid(1, 2))
    expect(log.nextToApply()?.zxid).to.deep.equal(zxid(1, 2))
  })

  it('Z20: refuses to cut what is applied', () => {
    const log = history(3)
    log.commit(zxid(1, 2))
    for (let next = log.nextToApply(); next !== undefined; next = log.nextToApply()) log.markApplied(next)
    expect(() => log.truncate(zxid(1, 1))).to.throw('Z20')
    log.truncate(zxid(1, 2))
    expect(log.last).to.deep.equal(zxid(1, 2))
  })

  it('Z19: cut behind an entry it has not, ends at the one before', () => {
    const log = new History(
      {
        base: zxid(1, 4),
        ranges: [
          { epoch: 1, first: 5, last: 6 },
          { epoch: 3, first: 1, last: 2 },
        ],
      },
      zxid(1, 4),
      [
        proposal(zxid(1, 5), zxid(1, 4)),
        proposal(zxid(1, 6), zxid(1, 5)),
        proposal(zxid(3, 1), zxid(1, 6)),
        proposal(zxid(3, 2), zxid(3, 1)),
      ],
    )
    expect(log.lastAtMost(zxid(2, 7))).to.deep.equal(zxid(1, 6))
    expect(log.lastAtMost(zxid(3, 1))).to.deep.equal(zxid(3, 1))
    expect(log.lastAtMost(zxid(1, 3))).to.equal(undefined)
    log.truncate(zxid(1, 6))
    expect(log.summary.ranges).to.deep.equal([{ epoch: 1, first: 5, last: 6 }])
  })

  it('a completion of an append that was cut away since makes nothing durable that is not there', () => {
    const log = history(1)
    log.append(proposal(zxid(1, 2), zxid(1, 1)))
    log.truncate(zxid(1, 1))
    log.logged(zxid(1, 2))
    expect(log.durable).to.deep.equal(zxid(1, 1))
  })

  it('R2: keeps of what is applied so many entries and so many bytes, and every entry that is not', () => {
    const keeps = (count: number, bytes: number) => {
      const log = new History({ base: ZERO, ranges: [] }, ZERO, [])
      const data = new Uint8Array(bytes)
      for (let n = 1; n <= count; n += 1) {
        const txn = { kind: 'setData', path: '/a', data, version: n, replaces: ZERO } as const
        log.append({ ...proposal(zxid(1, n), n === 1 ? ZERO : zxid(1, n - 1)), txn })
      }
      log.logged(log.last)
      expect(log.after(ZERO)).to.have.length(count)
      log.commit(log.last)
      for (let next = log.nextToApply(); next !== undefined; next = log.nextToApply()) log.markApplied(next)
      let kept = 0
      while (kept < count && log.after(count - kept - 1 === 0 ? ZERO : zxid(1, count - kept - 1)) !== undefined)
        kept += 1
      return kept
    }
    expect(keeps(3000, 10)).to.equal(1024)
    expect(keeps(64, 1024 * 1024)).to.equal(16)
  })
})
