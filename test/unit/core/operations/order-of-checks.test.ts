import { expect } from 'chai'
import { type Acl, OPEN_ACL_UNSAFE, Permission } from '../../../../lib/model/acl.js'
import {
  CONTAINER,
  createModeFromFlag,
  EPHEMERAL,
  type Lifetime,
  PERSISTENT,
  PERSISTENT_SEQUENTIAL,
  PERSISTENT_WITH_TTL,
  UNKNOWN_MODE,
} from '../../../../lib/model/create-mode.js'
import type { ReplyCode } from '../../../../lib/model/errors.js'
import type { WriteRequest } from '../../../../lib/model/request.js'
import { ALICE, Bench, codeOf, create, NOBODY, OTHER } from './bench.js'

const only = (perms: number): Acl => [{ perms, scheme: 'digest', id: 'alice:hash' }]
const INVALID: Acl = [{ perms: 31, scheme: 'none', id: 'x' }]

/** `/closed` lets alice in, `/eph` is an ephemeral of the session, `/full` has a child, `/v` has version 2 and aversion 1. */
function prepared(): Bench {
  const bench = Bench.withSession()
  bench.run(create('/closed', { acl: only(Permission.ALL) }), { identities: ALICE })
  bench.run(create('/closed/x', { acl: only(Permission.ALL) }), { identities: ALICE })
  bench.run(create('/eph', { mode: EPHEMERAL }))
  bench.run(create('/full'))
  bench.run(create('/full/child'))
  bench.run(create('/v'))
  bench.run({ kind: 'setData', path: '/v', data: null, version: 0 })
  bench.run({ kind: 'setData', path: '/v', data: null, version: 1 })
  bench.run(create('/container', { mode: CONTAINER, lifetime: container }))
  bench.run(create('/ttl', { mode: PERSISTENT_WITH_TTL, lifetime: ttl(5) }))
  bench.run({ kind: 'setAcl', path: '/v', acl: OPEN_ACL_UNSAFE, version: 0 })
  return bench
}

type Row = readonly [what: string, request: WriteRequest, expected: ReplyCode, by?: 'stranger' | 'unknown session']

const set = (path: string, version = -1) => ({ kind: 'setData', path, data: null, version }) as const
const del = (path: string, version = -1) => ({ kind: 'delete', path, version }) as const
const acl = (path: string, list: Acl = OPEN_ACL_UNSAFE, version = -1) =>
  ({ kind: 'setAcl', path, acl: list, version }) as const
const check = (path: string, version = -1) => ({ kind: 'multi', steps: [{ kind: 'check', path, version }] }) as const

const container: Lifetime = { kind: 'container' }
const ttl = (ttlMs: number): Lifetime => ({ kind: 'ttl', ttlMs })

const table: readonly Row[] = [
  ['create: session before the path', create('a'), 'SESSION_EXPIRED', 'unknown session'],
  ['create: an ephemeral of a dead session', create('/e', { mode: EPHEMERAL }), 'SESSION_EXPIRED', 'unknown session'],
  ['create: no slash', create('a', { acl: INVALID }), 'BAD_ARGUMENTS'],
  ['create: a NUL before the ACL', create('/a\0', { acl: INVALID }), 'BAD_ARGUMENTS'],
  ['create: the ACL before the parent', create('/none/a', { acl: INVALID }), 'INVALID_ACL'],
  ['create: an empty ACL', create('/a', { acl: [] }), 'INVALID_ACL'],
  ['create: the parent before the grammar', create('/full//b'), 'NO_NODE'],
  ['create: a relative name', create('/./x'), 'NO_NODE'],
  ['create: a slash at the end of what is missing', create('/none/x/'), 'NO_NODE'],
  ['create: a slash at the end of what exists', create('/full/'), 'BAD_ARGUMENTS'],
  ['create: NO_AUTH before the grammar', create('/closed/'), 'NO_AUTH', 'stranger'],
  ['create: NO_AUTH before NODE_EXISTS', create('/closed/x'), 'NO_AUTH', 'stranger'],
  ['create: the root', create('/'), 'NODE_EXISTS'],
  ['create: what exists', create('/full'), 'NODE_EXISTS'],
  ['create: below an ephemeral', create('/eph/a'), 'NO_CHILDREN_FOR_EPHEMERALS'],
  ['create: data at the limit', create('/a', { data: new Uint8Array(1000) }), 'OK'],
  ['create: data over the limit', create('/a', { data: new Uint8Array(1001) }), 'BAD_ARGUMENTS'],
  ['create: the flag before the session', create('/a', { mode: UNKNOWN_MODE }), 'BAD_ARGUMENTS', 'unknown session'],
  ['create: a TTL mode by create', create('/a', { mode: PERSISTENT_WITH_TTL }), 'BAD_ARGUMENTS'],
  [
    'create: a TTL mode by createContainer',
    create('/a', { mode: PERSISTENT_WITH_TTL, lifetime: container }),
    'BAD_ARGUMENTS',
  ],
  ['create: createTTL without a TTL mode', create('/a', { mode: PERSISTENT, lifetime: ttl(5) }), 'BAD_ARGUMENTS'],
  [
    'create: no TTL and no TTL mode in createTTL',
    create('/a', { mode: CONTAINER, lifetime: ttl(-1) }),
    'BAD_ARGUMENTS',
  ],
  [
    'create: the TTL before the session',
    create('/a', { mode: PERSISTENT_WITH_TTL, lifetime: ttl(0) }),
    'BAD_ARGUMENTS',
    'unknown session',
  ],
  ['create: a TTL too long', create('/a', { mode: PERSISTENT_WITH_TTL, lifetime: ttl(2 ** 40) }), 'BAD_ARGUMENTS'],
  ['create: the longest TTL', create('/a', { mode: PERSISTENT_WITH_TTL, lifetime: ttl(2 ** 40 - 1) }), 'OK'],
  ['create: the shortest TTL, with a number', create('/a', { mode: createModeFromFlag(6), lifetime: ttl(1) }), 'OK'],
  ['create: the flag of a container by create', create('/a', { mode: CONTAINER }), 'OK'],
  ['create: an ephemeral flag by createContainer', create('/a', { mode: EPHEMERAL, lifetime: container }), 'OK'],
  [
    'create: a container, session before the path',
    create('a', { mode: CONTAINER, lifetime: container }),
    'SESSION_EXPIRED',
    'unknown session',
  ],
  ['create: below a container', create('/container/a'), 'OK'],
  ['create: below a TTL znode', create('/ttl/a'), 'OK'],
  ['reconfig', { kind: 'reconfig' }, 'RECONFIG_DISABLED'],
  ['reconfig: before the session', { kind: 'reconfig' }, 'RECONFIG_DISABLED', 'unknown session'],
  ['delete: session first', del('/'), 'SESSION_EXPIRED', 'unknown session'],
  ['delete: the root', del('/'), 'BAD_ARGUMENTS'],
  ['delete: /zookeeper', del('/zookeeper'), 'BAD_ARGUMENTS'],
  ['delete: /zookeeper/quota', del('/zookeeper/quota'), 'BAD_ARGUMENTS'],
  ['delete: /zookeeper/config', del('/zookeeper/config'), 'BAD_ARGUMENTS'],
  ['delete: a NUL', del('/a\0'), 'BAD_ARGUMENTS'],
  ['delete: no slash', del('a'), 'BAD_ARGUMENTS'],
  ['delete: no parent', del('/none/a'), 'NO_NODE'],
  ['delete: NO_AUTH of the parent before the own NO_NODE', del('/closed/none'), 'NO_AUTH', 'stranger'],
  ['delete: missing', del('/none', 3), 'NO_NODE'],
  ['delete: BAD_VERSION before NOT_EMPTY', del('/full', 5), 'BAD_VERSION'],
  ['delete: not empty', del('/full'), 'NOT_EMPTY'],
  ['delete: matching version', del('/v', 2), 'OK'],
  ['delete: own ACL does not matter', del('/closed', 1), 'BAD_VERSION', 'stranger'],
  ['setData: session first', set('bad'), 'SESSION_EXPIRED', 'unknown session'],
  ['setData: the full grammar first', set('/none//a'), 'BAD_ARGUMENTS'],
  ['setData: missing', set('/none', 4), 'NO_NODE'],
  ['setData: NO_AUTH before BAD_VERSION', set('/closed', 9), 'NO_AUTH', 'stranger'],
  ['setData: BAD_VERSION', set('/v', 1), 'BAD_VERSION'],
  ['setData: a negative version is literal', set('/v', -2), 'BAD_VERSION'],
  ['setData: matching version', set('/v', 2), 'OK'],
  [
    'setData: over the limit',
    { kind: 'setData', path: '/v', data: new Uint8Array(1001), version: -1 },
    'BAD_ARGUMENTS',
  ],
  ['setAcl: session first', acl('/v'), 'SESSION_EXPIRED', 'unknown session'],
  ['setAcl: the grammar before the ACL', acl('/v/', INVALID), 'BAD_ARGUMENTS'],
  ['setAcl: the ACL before NO_NODE', acl('/none', INVALID), 'INVALID_ACL'],
  ['setAcl: missing', acl('/none'), 'NO_NODE'],
  ['setAcl: NO_AUTH before BAD_VERSION', acl('/closed', OPEN_ACL_UNSAFE, 9), 'NO_AUTH', 'stranger'],
  ['setAcl: compares aversion, not version', acl('/v', OPEN_ACL_UNSAFE, 2), 'BAD_VERSION'],
  ['setAcl: matching aversion', acl('/v', OPEN_ACL_UNSAFE, 1), 'OK'],
  ['check: session first', check('bad'), 'SESSION_EXPIRED', 'unknown session'],
  ['check: the full grammar', check('/v/'), 'BAD_ARGUMENTS'],
  ['check: missing', check('/none'), 'NO_NODE'],
  ['check: NO_AUTH before BAD_VERSION', check('/closed', 9), 'NO_AUTH', 'stranger'],
  ['check: BAD_VERSION', check('/v', 1), 'BAD_VERSION'],
  ['check: matching version', check('/v', 2), 'OK'],
  ['check: alone', { kind: 'check', path: '/v', version: -1 }, 'UNIMPLEMENTED'],
]

describe('order of checks', () => {
  for (const [what, request, expected, by] of table) {
    it(`${what} → ${expected}`, () => {
      const bench = prepared()
      const before = bench.replica.digest
      const from = {
        ...(by === 'stranger' && { identities: NOBODY }),
        ...(by === 'unknown session' && { session: OTHER }),
      }
      const response = bench.run(request, from)
      const result = response.kind === 'multi' ? response.results[0]! : response
      expect(codeOf(result)).to.equal(expected)
      if (expected !== 'OK') expect(bench.replica.digest, 'C7: a failure changes nothing').to.deep.equal(before)
      expect(bench.replica.zxid, 'every write takes its zxid').to.deep.equal(bench.log.at(-1)!.zxid)
      expect(bench.preparation.overlay.size, 'nothing stays pending').to.equal(0)
    })
  }

  it('numbers a sequential create of the root', () => {
    const response = prepared().run(create('/', { mode: PERSISTENT_SEQUENTIAL }))
    expect(response).to.include({ kind: 'created', path: '/0000000006' })
  })

  it('refuses a sequential create whose prefix is no path', () => {
    expect(codeOf(prepared().run(create('/a\u0001', { mode: PERSISTENT_SEQUENTIAL })))).to.equal('BAD_ARGUMENTS')
  })
})
