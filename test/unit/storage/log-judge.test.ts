import { expect } from 'chai'
import type { SessionId } from '../../../lib/model/ids.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { ZERO, type Zxid, zxid } from '../../../lib/model/zxid.js'
import { LogJudge, wrongWithEpochs } from '../../../lib/storage/log-judge.js'

const session = '0000000000000001' as SessionId

function chain(...zxids: readonly Zxid[]): Proposal[] {
  return zxids.map((each, index) => ({
    zxid: each,
    previous: zxids[index - 1] ?? ZERO,
    session,
    cxid: 1,
    time: 1,
    txn: { kind: 'closeSession', session },
  }))
}

const entries = chain(zxid(1, 1), zxid(1, 2), zxid(2, 1), zxid(2, 2))

function judged(
  required: Zxid,
  groups: readonly (readonly [Zxid | undefined, readonly Proposal[] | string])[],
): LogJudge {
  const judge = new LogJudge({ base: ZERO, checkpoint: zxid(1, 1), required })
  for (const [first, group] of groups) judge.take(first, group)
  return judge
}

const whole = entries.map(each => [each.zxid, [each]] as const)

describe('a judged log', () => {
  it('Z14: counts as far as it is one chain, and hands out what the checkpoint does not have', () => {
    const judge = judged(zxid(2, 2), whole)
    expect(judge.damage).to.equal(undefined)
    expect(judge.last).to.deep.equal(zxid(2, 2))
    expect(judge.suffix).to.deep.equal(entries.slice(1))
    expect(judge.history.ranges).to.deep.equal([
      { epoch: 1, first: 1, last: 2 },
      { epoch: 2, first: 1, last: 2 },
    ])
  })

  for (const [what, broken] of [
    ['unreadable', [zxid(2, 1), 'the checksum does not match']],
    ['empty', [zxid(2, 1), []]],
    ["another one's", [zxid(2, 1), [entries[3]!]]],
    ['under a strange key', [undefined, [entries[2]!]]],
  ] as const) {
    const groups = [...whole.slice(0, 2), broken, whole[3]!]

    it(`D3: is torn where a group is ${what} and nothing behind it was promised; nothing behind it counts`, () => {
      const judge = judged(zxid(1, 2), groups)
      expect(judge.damage).to.equal(undefined)
      expect(judge.last).to.deep.equal(zxid(1, 2))
      expect(judge.take(zxid(2, 2), [entries[3]!])).to.equal('cut')
    })

    it(`D3: is damaged where a group is ${what} and something behind it was promised`, () => {
      expect(judged(zxid(2, 1), groups).damage).to.match(
        /entries behind 0x100000002, at least up to 0x200000001, .* lost/,
      )
    })
  }

  it('D3: is damaged where a group is missing, though it goes on behind the gap', () => {
    expect(judged(zxid(2, 2), [whole[0]!, whole[2]!, whole[3]!]).damage).to.include(
      'follows 0x100000002, not 0x100000001',
    )
  })

  it('D1: begins anew behind what is bad and has been checkpointed', () => {
    const judge = new LogJudge({ base: ZERO, checkpoint: zxid(2, 1), required: zxid(2, 2) })
    const unreadable = [zxid(1, 2), 'the checksum does not match'] as const
    const verdicts = [whole[0]!, unreadable, whole[2]!, whole[3]!].map(([first, group]) => judge.take(first, group))
    expect(verdicts).to.deep.equal(['kept', 'cut', 'begins', 'kept'])
    expect(judge.damage).to.equal(undefined)
    expect(judge.lost?.base).to.deep.equal(zxid(1, 2))
    expect(judge.history).to.deep.equal({ base: zxid(1, 2), ranges: [{ epoch: 2, first: 1, last: 2 }] })
    expect(judge.suffix).to.deep.equal([entries[3]])
  })

  it('D1: is damaged where it ends before the mark, and sound where it goes on behind it', () => {
    expect(judged(zxid(2, 2), whole.slice(0, 3)).damage).to.include('it ends there')
    expect(judged(zxid(2, 1), whole).damage).to.equal(undefined)
  })
})

describe('judged epochs', () => {
  it('D5: are never below the marked ones, and current never passes accepted', () => {
    const marked = { accepted: 3, current: 2 }
    expect(wrongWithEpochs({ accepted: 3, current: 2 }, marked)).to.equal(undefined)
    expect(wrongWithEpochs({ accepted: 4, current: 4 }, marked)).to.equal(undefined)
    expect(wrongWithEpochs({ accepted: 2, current: 2 }, marked)).to.include('at least accepted 3')
    expect(wrongWithEpochs({ accepted: 3, current: 1 }, marked)).to.include('at least')
    expect(wrongWithEpochs({ accepted: 3, current: 4 }, marked)).to.be.a('string')
  })
})
