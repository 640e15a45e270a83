import { expect } from 'chai'
import { LeaderBroadcast } from '../../../../lib/core/zab/leader-broadcast.js'
import { create } from '../pipeline/pipeline-world.js'
import { Bench } from '../review/core-bench.js'

/** Nobody writes 2³² txns here: an epoch ends after twenty. What happens then is the same. */
const COUNTERS = 20

describe('an ensemble whose leader has used up the zxids of its epoch', () => {
  const { nextZxid } = LeaderBroadcast.prototype
  beforeEach(() => {
    LeaderBroadcast.prototype.nextZxid = function () {
      const place = nextZxid.call(this)
      return place === undefined || place.counter > COUNTERS ? undefined : place
    }
  })
  afterEach(() => {
    LeaderBroadcast.prototype.nextZxid = nextZxid
  })

  it('Z5: goes on in the next epoch, and answers every write once', () => {
    const bench = new Bench(3)
    bench.startAll()
    bench.pass(1000, () => bench.serving(1, 2, 3))
    for (const id of [1, 2, 3]) bench.peer(id).attach(7)
    bench.settle()
    const goOn = (): void => {
      bench.settle()
      bench.relink()
      bench.pass(300, () => bench.serving(1, 2, 3))
    }
    const writes = Array.from({ length: 40 }, (_, n) => n + 1)
    for (const cxid of writes) {
      for (const id of [1, 2, 3]) bench.peer(id).ask(7, cxid, create(`/n${cxid}-${id}`).request)
      goOn()
    }
    for (let n = 0; n < 10; n += 1) goOn()

    for (const id of [1, 2, 3]) {
      const { core, said } = bench.peer(id)
      const answers = said.flatMap(each => (each.kind === 'reply' ? [`${each.cxid} ${each.response.kind}`] : []))
      expect(answers).to.deep.equal(writes.map(cxid => `${cxid} created`))
      expect(bench.peer(id).replies(7)).to.have.length(writes.length)
      expect(core.status.epoch).to.be.at.least(6)
      expect(core.status.applied.counter).to.be.at.most(COUNTERS)
      expect(core.replica.digest).to.deep.equal(bench.peer(1).core.replica.digest)
    }
  })
})
