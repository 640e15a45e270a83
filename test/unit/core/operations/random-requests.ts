/** Random writes over few paths, so that they meet: mostly valid, often in conflict. */
import fc from 'fast-check'
import { type Acl, OPEN_ACL_UNSAFE, Permission } from '../../../../lib/model/acl.js'
import { createModeFromFlag, type Lifetime, PERSISTENT } from '../../../../lib/model/create-mode.js'
import type { SessionId } from '../../../../lib/model/ids.js'
import type { CreateRequest, MultiStep, WriteRequest } from '../../../../lib/model/request.js'
import { OTHER, SESSION } from './bench.js'

const name = fc.constantFrom('a', 'b')
export const paths = fc.oneof(
  { weight: 3, arbitrary: name.map(only => `/${only}`) },
  fc.array(name, { minLength: 2, maxLength: 3 }).map(names => `/${names.join('/')}`),
)
const data = fc.option(fc.uint8Array({ maxLength: 6 }))
const version = fc.constantFrom(-1, -1, -1, 0, 1, 2)
const acls = fc.constantFrom<Acl>(
  OPEN_ACL_UNSAFE,
  OPEN_ACL_UNSAFE,
  [{ perms: Permission.READ, scheme: 'world', id: 'anyone' }],
  [{ perms: Permission.ALL, scheme: 'digest', id: 'alice:hash' }],
)
const modes = fc.constantFrom(0, 0, 0, 1, 2, 3).map(createModeFromFlag)
/** Mostly a mode and a kind of request that fit each other, sometimes any two. */
const kinds: fc.Arbitrary<Pick<CreateRequest, 'mode' | 'lifetime'>> = fc.oneof(
  { weight: 8, arbitrary: modes.map(mode => ({ mode })) },
  { weight: 2, arbitrary: fc.constant({ mode: PERSISTENT, lifetime: { kind: 'container' } as Lifetime }) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(5, 6)
      .map(flag => ({ mode: createModeFromFlag(flag), lifetime: { kind: 'ttl', ttlMs: 7 } as const })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      mode: fc.integer({ min: 0, max: 8 }).map(createModeFromFlag),
      lifetime: fc.constantFrom<Lifetime | undefined>(
        undefined,
        { kind: 'container' },
        { kind: 'ttl', ttlMs: -1 },
        { kind: 'ttl', ttlMs: 2 ** 40 },
        { kind: 'ttl', ttlMs: 2 ** 40 - 1 },
      ),
    }),
  },
)

const creates = fc
  .tuple(fc.record({ kind: fc.constant('create' as const), path: paths, data, acl: acls }), kinds)
  .map(([rest, kind]): CreateRequest => ({ ...rest, ...kind }))
const deletes = fc.record({ kind: fc.constant('delete' as const), path: paths, version })
const setDatas = fc.record({ kind: fc.constant('setData' as const), path: paths, data, version })
const checks = fc.record({ kind: fc.constant('check' as const), path: paths, version })
const setAcls = fc.record({ kind: fc.constant('setAcl' as const), path: paths, acl: acls, version })

export const steps: fc.Arbitrary<MultiStep> = fc.oneof({ weight: 4, arbitrary: creates }, deletes, setDatas, checks)
export const multiSteps = fc.array(steps, { maxLength: 4 })
const multis = fc.record({ kind: fc.constant('multi' as const), steps: multiSteps })

export const sessions = fc.constantFrom<SessionId>(SESSION, SESSION, OTHER)

const openings = sessions.map(session => ({
  request: {
    kind: 'createSession',
    session,
    timeoutMs: 5000,
    password: new Uint8Array(16).fill(9),
  } as WriteRequest,
  session,
}))
const closings = sessions.map(session => ({ request: { kind: 'closeSession' } as WriteRequest, session }))
/** The counters of a run's first zxids: now and then a znode's. */
const reaps = fc.record({
  kind: fc.constant('reap' as const),
  path: paths,
  mzxid: fc.record({ epoch: fc.constant(1), counter: fc.integer({ min: 3, max: 12 }) }),
})
const requests: fc.Arbitrary<WriteRequest> = fc.oneof(
  { weight: 5, arbitrary: creates },
  { weight: 2, arbitrary: deletes },
  { weight: 3, arbitrary: setDatas },
  { weight: 2, arbitrary: setAcls },
  { weight: 2, arbitrary: multis },
  { weight: 1, arbitrary: reaps },
)
const ordinary = fc.record({ request: requests, session: sessions })

export interface RandomWrite {
  readonly request: WriteRequest
  readonly session: SessionId
}

export const writes: fc.Arbitrary<RandomWrite> = fc.oneof(
  { weight: 40, arbitrary: ordinary },
  { weight: 2, arbitrary: openings },
  { weight: 1, arbitrary: closings },
)
