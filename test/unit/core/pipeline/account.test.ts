import { expect } from 'chai'
import { auditedRead, auditedWrite, type Ending } from '../../../../lib/core/pipeline/account.js'
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
const usual = { ending: 'closed', ephemerals: [], all: false } as const
const denied = { operation: 'create', result: 'NO_AUTH', path: '/a', zxid: at, ...who }

describe('what is accounted for', () => {
  it('is a denial, and no other failure', () => {
    expect(auditedWrite(create, who, at, error('NO_AUTH'), usual)).to.deep.equal([denied])
    expect(auditedWrite(create, who, at, error('NODE_EXISTS'), usual)).to.deep.equal([])
  })

  it('is the step of a multi that was denied', () => {
    const multi: MultiRequest = { kind: 'multi', steps: [{ kind: 'check', path: '/c', version: -1 }, create, create] }
    const txn = { kind: 'multi', steps: [error('OK'), error('NO_AUTH'), error('RUNTIME_INCONSISTENCY')] } as const
    expect(auditedWrite(multi, who, at, txn, usual)).to.deep.equal([denied])
    expect(auditedWrite(multi, who, at, { kind: 'multi', steps: [] }, usual)).to.deep.equal([])
  })

  it('is the end of a session, once', () => {
    const close = { kind: 'closeSession' } as const
    const txn = { kind: 'closeSession', session: who.session } as const
    const results = (ending: Ending) =>
      auditedWrite(close, who, at, txn, { ...usual, ending, ephemerals: ['/e'] }).map(({ result }) => result)
    expect([results('closed'), results('expired'), results(undefined)]).to.deep.equal([['OK'], ['SESSION_EXPIRED'], []])
  })

  it('is, where all writes are, each that was done or failed, by the path that it has in the end', () => {
    const all = { ...usual, all: true }
    const done = { kind: 'create', path: '/a0000000001', data: null, acl: OPEN_ACL_UNSAFE, owner: undefined } as const
    const created = { ...done, parentCversion: 1 }
    const told = (...args: Parameters<typeof auditedWrite>) =>
      auditedWrite(...args).map(({ operation, result, path }) => `${operation} ${path} ${result}`)
    expect(told(create, who, at, created, all)).to.deep.equal(['create /a0000000001 OK'])
    expect(told(create, who, at, error('NODE_EXISTS'), all)).to.deep.equal(['create /a NODE_EXISTS'])
    const check = { kind: 'check', path: '/c', version: 1 } as const
    const multi: MultiRequest = { kind: 'multi', steps: [check, create, create] }
    expect(told(multi, who, at, { kind: 'multi', steps: [check, created, created] }, all)).to.have.length(2)
    const failed = [error('BAD_VERSION'), error('RUNTIME_INCONSISTENCY'), error('RUNTIME_INCONSISTENCY')]
    expect(told(multi, who, at, { kind: 'multi', steps: failed }, all)).to.deep.equal(['check /c BAD_VERSION'])
    expect(
      told({ kind: 'invalid', code: 'MARSHALLING_ERROR' }, who, at, error('MARSHALLING_ERROR'), all),
    ).to.deep.equal([])
    expect(
      told(
        { kind: 'closeSession' },
        who,
        at,
        { kind: 'closeSession', session: who.session },
        { ...all, ephemerals: ['/e', '/f'] },
      ),
    ).to.deep.equal(['closeSession undefined OK', 'deleteEphemeral /e OK', 'deleteEphemeral /f OK'])
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
