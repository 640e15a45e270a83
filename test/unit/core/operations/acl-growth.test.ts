import { expect } from 'chai'
import type { Acl, Identities } from '../../../../lib/model/acl.js'
import type { MultiStep } from '../../../../lib/model/request.js'
import { Bench, codeOf, create } from './bench.js'

const many: Identities = Array.from({ length: 64 }, (_, at) => ({ scheme: 'digest', id: `${at}${'u'.repeat(230)}:h` }))
const one: Identities = [{ scheme: 'digest', id: 'alice:qqqqqqqqqqqqqqqqqqqqqqqqqqqq' }]
const auth = (count: number): Acl => Array.from({ length: count }, (_, at) => ({ perms: at, scheme: 'auth', id: '' }))

describe('the size of what `auth` stands for', () => {
  it('R2: is bounded in one ACL: a short request makes no huge txn', () => {
    const bench = Bench.withSession()
    expect(codeOf(bench.run(create('/a', { acl: auth(2000) }), { identities: many }))).to.equal('INVALID_ACL')
    expect(codeOf(bench.run(create('/a', { acl: auth(20) }), { identities: many }))).to.equal('OK')
    const set = { kind: 'setAcl', path: '/a', acl: auth(2000), version: -1 } as const
    expect(codeOf(bench.run(set, { identities: many }))).to.equal('INVALID_ACL')
  })

  it('R2: is bounded in a multi as a whole, and room for a thousand znodes of their creator', () => {
    const steps = (count: number): MultiStep[] =>
      Array.from({ length: count }, (_, at) => create(`/m${at}`, { acl: auth(1) }))
    const failed = (count: number, identities: Identities): boolean => {
      const response = Bench.withSession().run({ kind: 'multi', steps: steps(count) }, { identities })
      return response.kind === 'multi' && response.failed
    }
    expect([failed(1000, one), failed(1000, many), failed(10, many)]).to.deep.equal([false, true, false])
  })
})
