import { expect } from 'chai'
import { Replica } from '../../../lib/core/replica.js'
import { StateMachine } from '../../../lib/core/state-machine.js'
import { OPEN_ACL_UNSAFE } from '../../../lib/model/acl.js'
import type { EnsembleConfig } from '../../../lib/model/ensemble-config.js'
import type { PeerId, SessionId } from '../../../lib/model/ids.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { ZERO, zxid } from '../../../lib/model/zxid.js'

const config: EnsembleConfig = {
  version: ZERO,
  members: [{ id: 1 as PeerId, address: 'memory://1', role: 'participant' }],
}

function created(counter: number): Proposal {
  const txn = {
    ...({ kind: 'create', path: `/n${counter}`, data: null, acl: OPEN_ACL_UNSAFE, owner: undefined } as const),
    parentCversion: counter,
  }
  const session = '0100000000000001' as SessionId
  return { zxid: zxid(1, counter), previous: zxid(1, counter - 1), session, cxid: counter, time: 0, txn }
}

describe('state machine', () => {
  const begin = () => new StateMachine(Replica.empty().image(), config, 4, 0)

  it('Z31: applies txns, and remembers its digest where all peers look', () => {
    const state = begin()
    for (let counter = 1; counter <= 9; counter++) state.apply(created(counter), 0)
    expect(state.replica.zxid).to.deep.equal(zxid(1, 9))
    expect(state.marks.all.map(each => each.zxid.counter)).to.deep.equal([1, 4, 8])
  })

  it('is replaced by a snapshot, of which it has the same digest, and no mark', () => {
    const [state, other] = [begin(), begin()]
    state.apply(created(1), 0)
    for (let counter = 1; counter <= 3; counter++) other.apply(created(counter), 0)
    expect(state.replace(other.replica.image(), 0)).to.equal(true)
    expect(state.replica.digest).to.deep.equal(other.replica.digest)
    expect(state.marks.all).to.deep.equal([])
    expect(state.replica.tree.has('/zookeeper/config')).to.equal(true)
  })

  it('D9: refuses what is not as whole as its digest says, and stays as it was', () => {
    const state = begin()
    state.apply(created(1), 0)
    const image = state.replica.image()
    const nodes = new Map(image.nodes)
    nodes.delete('/n1')
    const { replica } = state
    expect(state.replace({ ...image, nodes }, 0)).to.equal(false)
    expect(state.replica).to.equal(replica)
    expect(() => new StateMachine({ ...image, nodes }, config, 4, 0))
      .to.throw()
      .with.property('code', 'DATA_CORRUPT')
  })
})
