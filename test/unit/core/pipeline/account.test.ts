import { expect } from 'chai'
import { auditedRead, auditedWrite } from '../../../../lib/core/pipeline/account.js'
import { OPEN_ACL_UNSAFE } from '../../../../lib/model/acl.js'
import { PERSISTENT } from '../../../../lib/model/create-mode.js'
import type { SessionId } from '../../../../lib/model/ids.js'
import type { MultiRequest, ReadStep } from '../../../../lib/model/request.js'
import { errorResponse } from '../../../../lib/model/response.js'
import type { ErrorTxn } from '../../../../lib/model/txn.js'
import { zxid } from '../../../../lib/model/zxid.js'

const who = { session: '0100000000000001' as SessionId, identities: [{ scheme: 'digest', id: 'alice:h' }] }
const at = zxid(1, 7)
const error = (code: ErrorTxn['code']): ErrorTxn => ({ kind: 'error', code })
const create = { kind: 'create', path: '/a', data: null, acl: OPEN_ACL_UNSAFE, mode: PERSISTENT } as const
const denied = { operation: 'create', result: 'NO_AUTH', path: '/a', zxid: at, ...who }

describe('what is accounted for', () => {
  it('is a denial, and no other failure', () => {
    expect(auditedWrite(create, who, at, error('NO_AUTH'), 'closed')).to.deep.equal(denied)
    expect(auditedWrite(create, who, at, error('NODE_EXISTS'), 'closed')).to.equal(undefined)
  })

  it('is the step of a multi that was denied', () => {
    const multi: MultiRequest = { kind: 'multi', steps: [{ kind: 'check', path: '/c', version: -1 }, create, create] }
    const txn = { kind: 'multi', steps: [error('OK'), error('NO_AUTH'), error('RUNTIME_INCONSISTENCY')] } as const
    expect(auditedWrite(multi, who, at, txn, 'closed')).to.deep.equal(denied)
    expect(auditedWrite(multi, who, at, { kind: 'multi', steps: [] }, 'closed')).to.equal(undefined)
  })

  it('is the end of a session, once', () => {
    const close = { kind: 'closeSession' } as const
    const txn = { kind: 'closeSession', session: who.session } as const
    expect(auditedWrite(close, who, at, txn, 'closed')?.result).to.equal('OK')
    expect(auditedWrite(close, who, at, txn, 'expired')?.result).to.equal('SESSION_EXPIRED')
    expect(auditedWrite(close, who, at, txn, undefined)).to.equal(undefined)
  })

  it('is every read that is denied, each of several for itself', () => {
    const read = (path: string): ReadStep => ({ kind: 'getData', path, watch: false })
    expect(auditedRead(read('/a'), who, errorResponse('NO_NODE'))).to.deep.equal([])
    const steps = [read('/a'), read('/b'), read('/c')]
    const results = [errorResponse('NO_AUTH'), errorResponse('NO_NODE'), errorResponse('NO_AUTH')]
    const told = [
      ...auditedRead(read('/d'), who, errorResponse('NO_AUTH')),
      ...auditedRead({ kind: 'multiRead', steps }, who, { kind: 'multiRead', results }),
    ]
    expect(told.map(({ operation, path }) => `${operation} ${path}`)).to.deep.equal([
      'getData /d',
      'getData /a',
      'getData /c',
    ])
  })
})
