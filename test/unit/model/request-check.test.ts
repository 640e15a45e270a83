import { expect } from 'chai'
import fc from 'fast-check'
import { CborWriter } from '../../../lib/codec/cbor-writer.js'
import { writeRequest } from '../../../lib/codec/request-codec.js'
import { OPEN_ACL_UNSAFE } from '../../../lib/model/acl.js'
import { PERSISTENT } from '../../../lib/model/create-mode.js'
import type { ForwardableRequest, Request } from '../../../lib/model/request.js'
import { isTooLarge, REQUEST_SLACK_BYTES, requestBytes, requestRefusal } from '../../../lib/model/request-check.js'
import { ZERO } from '../../../lib/model/zxid.js'

const LIMIT = 1000
const refusal = (request: unknown) => requestRefusal(request as Request, LIMIT)
const create = { kind: 'create', path: '/a', data: null, acl: OPEN_ACL_UNSAFE, mode: PERSISTENT }
const written = (request: Request): number => {
  const writer = new CborWriter()
  writer.begin()
  writeRequest(writer, request as ForwardableRequest)
  return writer.finish().length
}

describe('what peers can write down', () => {
  const notInt32 = [2 ** 31, -(2 ** 31) - 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '1', 1n, null, undefined]
  const notText = ['\ud800', 'a\udc00b', undefined, null, 7, {}, Symbol('path')]
  const entry = { perms: 31, scheme: 'world', id: 'anyone' }

  it('takes every sound request', () => {
    const paths = { data: ['/a'], exist: [], child: [], persistent: [], persistentRecursive: [] }
    for (const request of [
      create,
      { kind: 'delete', path: '/a', version: -1 },
      { kind: 'setData', path: '/a', data: Uint8Array.of(1), version: 2 ** 31 - 1 },
      { kind: 'setAcl', path: '/a', acl: [entry], version: -(2 ** 31) },
      { kind: 'multi', steps: [create, { kind: 'check', path: '/a', version: 0 }] },
      { kind: 'multi', steps: [] },
      { kind: 'sync', path: '/' },
      { kind: 'exists', path: '/\u{1F600}', watch: true },
      { kind: 'setWatches', since: ZERO, ...paths },
      { kind: 'ping' },
      { kind: 'closeSession' },
    ])
      expect(refusal(request), JSON.stringify(request)).to.equal(undefined)
  })

  it('refuses a version that is no signed number of 32 bits', () => {
    for (const version of notInt32)
      for (const kind of ['delete', 'setData', 'check', 'setAcl'] as const) {
        const step = { kind, path: '/a', data: null, acl: [entry], version }
        expect(refusal(step)).to.equal('BAD_ARGUMENTS')
        if (kind !== 'setAcl') expect(refusal({ kind: 'multi', steps: [create, step] })).to.equal('BAD_ARGUMENTS')
      }
  })

  it('refuses a path that is no text, or has no UTF-8 form', () => {
    for (const path of notText)
      for (const kind of ['create', 'delete', 'setData', 'check', 'setAcl', 'sync', 'exists', 'getData', 'addWatch'])
        expect(refusal({ ...create, kind, path, version: 0 }), kind).to.equal('BAD_ARGUMENTS')
  })

  it('refuses an ACL that cannot be stored', () => {
    const holes: unknown[] = [entry]
    holes.length = 2
    const acls: unknown[] = [undefined, 'world:anyone', [null], [undefined], holes, [{ ...entry, perms: undefined }]]
    for (const perms of notInt32) acls.push([entry, { ...entry, perms }])
    for (const text of notText) acls.push([{ ...entry, scheme: text }], [{ ...entry, id: text }])
    for (const acl of acls) {
      expect(refusal({ ...create, acl })).to.equal('INVALID_ACL')
      expect(refusal({ kind: 'setAcl', path: '/a', acl, version: -1 })).to.equal('INVALID_ACL')
      expect(refusal({ kind: 'multi', steps: [{ ...create, acl }] })).to.equal('INVALID_ACL')
    }
  })

  it('refuses what is no request, and a createSession, which only peers make', () => {
    const holes: unknown[] = [create]
    holes.length = 2
    for (const request of [
      undefined,
      null,
      'ping',
      {},
      { kind: '__proto__' },
      { kind: 'toString' },
      { kind: 'createSession', session: '0'.repeat(16), timeoutMs: 1, password: new Uint8Array(16) },
      { kind: 'multi', steps: undefined },
      { kind: 'multi', steps: [undefined] },
      { kind: 'multi', steps: holes },
      { kind: 'multi', steps: [{ kind: 'multi', steps: [] }] },
      { ...create, data: 'text' },
      { ...create, data: undefined },
      { ...create, mode: undefined },
      { ...create, mode: { ephemeral: 'yes', sequential: false } },
    ])
      expect(refusal(request)).to.equal('BAD_ARGUMENTS')
  })

  it('bounds the whole request, paths and ACLs and all steps of a multi included', () => {
    const most = LIMIT + REQUEST_SLACK_BYTES
    expect(refusal({ kind: 'sync', path: `/${'a'.repeat(most)}` })).to.equal('DATA_TOO_LARGE')
    expect(refusal({ kind: 'sync', path: `/${'€'.repeat(most / 3)}` })).to.equal('DATA_TOO_LARGE')
    expect(refusal({ ...create, acl: Array(5000).fill(entry) })).to.equal('DATA_TOO_LARGE')
    expect(refusal({ ...create, data: new Uint8Array(most) })).to.equal('DATA_TOO_LARGE')
    expect(refusal({ kind: 'multi', steps: Array(3000).fill(create) })).to.equal('DATA_TOO_LARGE')
    expect(refusal({ kind: 'multi', steps: Array(500).fill(create) })).to.equal(undefined)
    expect(isTooLarge({ kind: 'closeSession' }, 1)).to.equal(false)
  })

  it('never counts less than what the encoder writes', () => {
    const path = fc.string({ unit: 'binary', maxLength: 40 })
    const acl = fc.array(fc.record({ perms: fc.integer(), scheme: path, id: path }), { maxLength: 4 })
    const data = fc.option(fc.uint8Array({ maxLength: 300 }))
    const version = fc.integer()
    const step = fc.oneof(
      fc.record({ kind: fc.constant('create' as const), path, data, acl, mode: fc.constant(PERSISTENT) }),
      fc.record({ kind: fc.constant('setData' as const), path, data, version }),
      fc.record({ kind: fc.constantFrom('delete' as const, 'check' as const), path, version }),
    )
    const multi = fc.record({ kind: fc.constant('multi' as const), steps: fc.array(step, { minLength: 1 }) })
    fc.assert(
      fc.property(fc.oneof(step, multi), request => {
        expect(refusal(request)).to.be.oneOf([undefined, 'DATA_TOO_LARGE'])
        expect(written(request)).to.be.at.most(requestBytes(request))
      }),
    )
  })
})
