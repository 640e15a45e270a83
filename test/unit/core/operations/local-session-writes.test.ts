import { expect } from 'chai'
import { EPHEMERAL } from '../../../../lib/model/create-mode.js'
import type { SessionId } from '../../../../lib/model/ids.js'
import type { WriteRequest } from '../../../../lib/model/request.js'
import { zxid } from '../../../../lib/model/zxid.js'
import { Bench, create } from './bench.js'

const unknown = '0900000000000009' as SessionId

describe('writes of a session that the leader does not know', () => {
  const outcome = (request: WriteRequest, local: boolean): string => {
    const { preparation } = new Bench()
    const requester = { session: unknown, identities: [], local }
    const txn = preparation.prepare(request, requester, { zxid: zxid(1, 1), time: 0, report() {} })
    return txn.kind === 'error' ? txn.code : txn.kind
  }

  it('are taken if its peer says that it is a local one', () => {
    const set: WriteRequest = { kind: 'setData', path: '/', data: null, version: -1 }
    for (const request of [create('/a'), set]) {
      expect(outcome(request, true)).to.equal(request.kind)
      expect(outcome(request, false)).to.equal('SESSION_EXPIRED')
    }
  })

  it('S10: make no ephemeral, alone or in a multi', () => {
    const ephemeral = create('/a', { mode: EPHEMERAL })
    expect(outcome(ephemeral, true)).to.equal('EPHEMERAL_ON_LOCAL_SESSION')
    const { preparation } = new Bench()
    const requester = { session: unknown, identities: [], local: true }
    const place = { zxid: zxid(1, 1), time: 0, report() {} }
    expect(preparation.prepare({ kind: 'multi', steps: [create('/b'), ephemeral] }, requester, place)).to.deep.equal({
      kind: 'multi',
      steps: [
        { kind: 'error', code: 'OK' },
        { kind: 'error', code: 'EPHEMERAL_ON_LOCAL_SESSION' },
      ],
    })
  })
})
