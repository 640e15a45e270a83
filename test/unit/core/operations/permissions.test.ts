/**
 * Which operation needs which permission, and of whom it is asked: total over requests and sub-operations by type, so that a new one does not
 * compile without a row here; each row is tried with every single permission, for every kind of requester.
 */
import { expect } from 'chai'
import { isRead } from '../../../../lib/core/operations/operations.js'
import { type Acl, type Identities, OPEN_ACL_UNSAFE, Permission, TRUSTED } from '../../../../lib/model/acl.js'
import { PERSISTENT } from '../../../../lib/model/create-mode.js'
import type { MultiStep, ReadStep, Request, RequestKind, WriteRequest } from '../../../../lib/model/request.js'
import type { Response } from '../../../../lib/model/response.js'
import { ALICE, Bench, NOBODY, SESSION, ZERO } from './bench.js'

const { READ, WRITE, CREATE, DELETE, ADMIN } = Permission

/** `of` the znode itself or its parent; `none`: nobody is asked. */
type Rule<R> = { readonly request: R } & (
  | { readonly of: 'znode' | 'parent'; readonly needs: number }
  | { readonly of: 'nobody' }
)
type Rules<R extends { readonly kind: string }> = { readonly [K in R['kind']]: Rule<Extract<R, { kind: K }>> }

const path = '/parent/znode'
const version = -1
const data = null
const watch = false
const open = OPEN_ACL_UNSAFE
const none = { data: [], exist: [], child: [], persistent: [], persistentRecursive: [] }

const multiSteps: Rules<MultiStep> = {
  create: {
    of: 'parent',
    needs: CREATE,
    request: { kind: 'create', path: `${path}2`, data, acl: open, mode: PERSISTENT },
  },
  delete: { of: 'parent', needs: DELETE, request: { kind: 'delete', path, version } },
  setData: { of: 'znode', needs: WRITE, request: { kind: 'setData', path, data, version } },
  check: { of: 'znode', needs: READ, request: { kind: 'check', path, version } },
}
const readSteps: Rules<ReadStep> = {
  getData: { of: 'znode', needs: READ, request: { kind: 'getData', path, watch } },
  getChildren: { of: 'znode', needs: READ, request: { kind: 'getChildren', path, watch } },
}
const rules: Rules<Request> = {
  ...multiSteps,
  ...readSteps,
  // Alone it is refused, whoever asks.
  check: { of: 'nobody', request: { kind: 'check', path, version } },
  setAcl: { of: 'znode', needs: ADMIN, request: { kind: 'setAcl', path, acl: open, version } },
  exists: { of: 'znode', needs: READ, request: { kind: 'exists', path, watch } },
  getAcl: { of: 'znode', needs: READ | ADMIN, request: { kind: 'getAcl', path } },
  countDescendants: { of: 'znode', needs: READ, request: { kind: 'countDescendants', path } },
  // Their steps, below.
  multi: { of: 'nobody', request: { kind: 'multi', steps: [] } },
  multiRead: { of: 'nobody', request: { kind: 'multiRead', steps: [] } },
  // Of one's own session, or of nothing that an ACL is about. What watches tell is judged when they do (W7).
  createSession: {
    of: 'nobody',
    request: { kind: 'createSession', session: SESSION, timeoutMs: 4000, password: new Uint8Array(16) },
  },
  closeSession: { of: 'nobody', request: { kind: 'closeSession' } },
  reap: { of: 'nobody', request: { kind: 'reap', path, mzxid: ZERO } },
  reconfig: { of: 'nobody', request: { kind: 'reconfig' } },
  invalid: { of: 'nobody', request: { kind: 'invalid', code: 'BAD_ARGUMENTS' } },
  sync: { of: 'nobody', request: { kind: 'sync', path } },
  getEphemerals: { of: 'nobody', request: { kind: 'getEphemerals', prefix: '/' } },
  whoAmI: { of: 'nobody', request: { kind: 'whoAmI' } },
  addWatch: { of: 'nobody', request: { kind: 'addWatch', path, mode: 'persistent' } },
  removeWatches: { of: 'nobody', request: { kind: 'removeWatches', path, type: 'any' } },
  checkWatches: { of: 'nobody', request: { kind: 'checkWatches', path, type: 'any' } },
  setWatches: { of: 'nobody', request: { kind: 'setWatches', since: ZERO, ...none } },
  ping: { of: 'nobody', request: { kind: 'ping' } },
  authenticated: { of: 'nobody', request: { kind: 'authenticated', identities: [] } },
}

const requesters: Readonly<Record<string, { identities: Identities; named: boolean; super?: true }>> = {
  'whom the entry names': { identities: ALICE, named: true },
  'whom it names, among others': { identities: [{ scheme: 'ip', id: '1.2.3.4' }, ...ALICE], named: true },
  nobody: { identities: NOBODY, named: false },
  'somebody else': { identities: [{ scheme: 'digest', id: 'bob:hash' }], named: false },
  'the same id of another scheme': { identities: [{ scheme: 'x509', id: 'alice:hash' }], named: false },
  'half of the id': { identities: [{ scheme: 'digest', id: 'alice:' }], named: false },
  super: { identities: TRUSTED, named: false, super: true },
}

const bits = [0, READ, WRITE, CREATE, DELETE, ADMIN, Permission.ALL]
const to = (perms: number): Acl => [{ perms, scheme: 'digest', id: 'alice:hash' }]

/** The ACL in question on the znode that is asked about; the other one lets nobody do anything, or everybody everything. */
function prepared(of: 'znode' | 'parent', acl: Acl, other: Acl, pending: boolean): Bench {
  const bench = Bench.withSession()
  const [ofParent, ofZnode] = of === 'parent' ? [acl, other] : [other, acl]
  bench.run({ kind: 'create', path: '/parent', data, acl: pending ? open : ofParent, mode: PERSISTENT })
  bench.run({ kind: 'create', path, data, acl: pending ? open : ofZnode, mode: PERSISTENT })
  if (!pending) return bench
  // Proposed, and not applied: a write is judged by the state-to-be.
  bench.prepare({ kind: 'setAcl', path: '/parent', acl: ofParent, version })
  bench.prepare({ kind: 'setAcl', path, acl: ofZnode, version })
  return bench
}

function refused(response: Response): boolean {
  if (response.kind === 'multi' || response.kind === 'multiRead') return response.results.some(refused)
  return response.kind === 'error' && response.code === 'NO_AUTH'
}

function ask(bench: Bench, request: Request, identities: Identities): boolean {
  if (isRead(request)) return refused(bench.read(request, identities))
  return request.kind === 'sync' ? false : refused(bench.run(request, { identities }))
}

function judged(rule: Rule<Request>, wrap: (request: Request) => Request, pending: boolean): void {
  for (const [who, { identities, named, super: all }] of Object.entries(requesters)) {
    for (const perms of bits) {
      for (const other of [open, to(0)]) {
        const bench = prepared(rule.of === 'nobody' ? 'znode' : rule.of, to(perms), other, pending)
        const allowed = rule.of === 'nobody' || all === true || (named && (perms & rule.needs) !== 0)
        expect(ask(bench, wrap(rule.request), identities), `${who}, ${perms}`).to.equal(!allowed)
      }
    }
  }
}

describe('permissions', () => {
  for (const kind of Object.keys(rules) as RequestKind[]) {
    const rule = rules[kind] as Rule<Request>
    const what = rule.of === 'nobody' ? 'none' : `${rule.needs} of the ${rule.of}`
    it(`${kind} needs ${what}`, () => judged(rule, request => request, false))
    if (isRead(rule.request)) continue
    it(`${kind} needs ${what}, by the ACL that is proposed last`, () => judged(rule, request => request, true))
  }
  for (const rule of Object.values(multiSteps) as Rule<MultiStep>[]) {
    it(`${rule.request.kind} in a multi needs what it needs alone (etcd CVE-2026-33343)`, () => {
      const first: MultiStep = { kind: 'create', path: '/other', data, acl: open, mode: PERSISTENT }
      for (const pending of [false, true])
        judged(rule, step => ({ kind: 'multi', steps: [first, step as MultiStep] }), pending)
    })
  }
  for (const rule of Object.values(readSteps) as Rule<ReadStep>[]) {
    it(`${rule.request.kind} in a multiRead needs what it needs alone`, () => {
      judged(rule, step => ({ kind: 'multiRead', steps: [step as ReadStep] }), false)
    })
  }

  it('are those of the state inside the multi', () => {
    const hers = { kind: 'create', path: '/hers', data, acl: to(Permission.ALL), mode: PERSISTENT } as const
    const steps: readonly MultiStep[] = [hers, { kind: 'setData', path: '/hers', data, version }]
    const outcome = (identities: Identities): boolean =>
      refused(Bench.withSession().run({ kind: 'multi', steps } satisfies WriteRequest, { identities }))
    expect([outcome(ALICE), outcome(NOBODY), outcome(TRUSTED)]).to.deep.equal([false, true, false])
  })
})
