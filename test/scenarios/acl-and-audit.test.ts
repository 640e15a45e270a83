/** Identities from the application's call to the ACL's judgement, over three peers; what is told of it, and what must not be. */
import { inspect } from 'node:util'
import { expect } from 'chai'
import { digestOf } from '../../lib/auth/digest.js'
import type { Client } from '../../lib/client/client.js'
import type { ClientOptions } from '../../lib/client/client-options.js'
import { text } from '../../lib/client/codec.js'
import { op } from '../../lib/client/transaction.js'
import type { AuditEvent } from '../../lib/host/audit.js'
import { CREATOR_ALL_ACL, Permission } from '../../lib/model/acl.js'
import type { ErrorCode } from '../../lib/model/errors.js'
import { type Ensemble, openEnsemble } from '../../lib/testing/open-ensemble.js'

const PASSWORD = 'mArKeR-pAsSwOrD'
const code = (call: Promise<unknown>): Promise<ErrorCode | 'OK'> =>
  call.then(
    () => 'OK' as const,
    (error: { code: ErrorCode }) => error.code,
  )

describe('three peers whose clients are somebody', () => {
  let ensemble: Ensemble
  let events: AuditEvent[]
  let logged: string[]
  let follower: number
  const client = (id: number, options: ClientOptions<string> = {}): Promise<Client<string>> =>
    ensemble.client(id, { codec: text, ...options })
  const told = (from = 3): string[] =>
    events.slice(from).map(({ operation, result, path, identities }) => {
      const who = identities.map(({ scheme, user }) => `${scheme}:${user}`).join('+')
      return `${operation} ${path ?? ''} ${result} ${who}`
    })

  beforeEach(async () => {
    events = []
    logged = []
    const log = (...what: unknown[]): void => void logged.push(inspect(what, { depth: 9 }))
    ensemble = await openEnsemble(3, {
      seed: 5,
      logger: () => ({ debug: log, info: log, warn: log, error: log }),
      peer: { audit: event => void events.push(event), superDigest: digestOf(`root:${PASSWORD}`) },
    })
    follower = [1, 2, 3].find(id => id !== ensemble.leader())!
  })
  afterEach(() => ensemble.close())

  it('hold each to what it has proved, wherever it is connected', async () => {
    const alice = await client(follower, { identities: [] })
    const bob = await client(ensemble.leader()!, { identities: [] })
    await alice.addAuth('digest', `alice:${PASSWORD}`)
    await alice.create('/hers', 'v', { acl: CREATOR_ALL_ACL })
    await bob.sync()
    expect(await code(bob.get('/hers'))).to.equal('NO_AUTH')
    expect(await code(bob.set('/hers', 'x'))).to.equal('NO_AUTH')
    expect(await code(bob.multi([op.create('/b', 'x'), op.set('/hers', 'x')]))).to.equal('NO_AUTH')
    expect(await bob.exists('/b')).to.equal(undefined)
    expect(await code(bob.create('/b', 'x', { acl: CREATOR_ALL_ACL }))).to.equal('INVALID_ACL')
    await bob.addAuth('digest', `root:${PASSWORD}`)
    expect(await code(bob.set('/hers', 'x'))).to.equal('OK')
    await alice.sync()
    expect((await alice.get('/hers')).value).to.equal('x')
  })

  it('a request behind an auth is judged with it, and one behind a setAcl by that', async () => {
    const alice = await client(follower, { identities: [] })
    const hers = [{ perms: Permission.ALL, scheme: 'digest', id: digestOf(`alice:${PASSWORD}`) }]
    const results = await Promise.all(
      [
        alice.create('/a', 'v'),
        alice.setAcl('/a', hers),
        alice.set('/a', 'early'),
        alice.addAuth('digest', `alice:${PASSWORD}`),
        alice.set('/a', 'late'),
      ].map(code),
    )
    expect(results).to.deep.equal(['OK', 'OK', 'NO_AUTH', 'OK', 'OK'])
  })

  it('goes on being somebody when its replica is replaced or its leader lost', async () => {
    const alice = await client(follower, { identities: [], sessionTimeoutMs: 40_000 })
    await alice.addAuth('digest', `alice:${PASSWORD}`)
    await alice.create('/hers', 'v', { acl: CREATOR_ALL_ACL })
    ensemble.kill(ensemble.leader()!)
    await ensemble.until(() => ensemble.leader() !== undefined)
    expect(await code(alice.set('/hers', 'x'))).to.equal('OK')
  })

  it('are told of once each, by the peer that decided', async () => {
    const alice = await client(follower, { identities: [] })
    const mallory = await client(follower, { identities: [] })
    await alice.addAuth('digest', `alice:${PASSWORD}`)
    await alice.create('/hers', 'v', { acl: CREATOR_ALL_ACL })
    await code(mallory.get('/hers'))
    await code(mallory.set('/hers', 'x'))
    await code(mallory.multi([op.create('/x', 'x'), op.set('/hers', 'x')]))
    await code(mallory.addAuth('kerberos', PASSWORD))
    await alice.close()
    await ensemble.advance(60_000)
    expect(told()).to.deep.equal([
      'addAuth  OK digest:alice',
      'getData /hers NO_AUTH ',
      'setData /hers NO_AUTH ',
      'setData /hers NO_AUTH ',
      'addAuth  AUTH_FAILED ',
      'closeSession  OK digest:alice',
      'closeSession  SESSION_EXPIRED ',
    ])
    const leader = ensemble.leader()
    const decisions = events.slice(3)
    expect(decisions.map(({ peer }) => peer)).to.deep.equal([
      follower,
      follower,
      leader,
      leader,
      follower,
      leader,
      leader,
    ])
    expect(decisions.map(({ zxid }) => zxid !== undefined)).to.deep.equal([false, false, true, true, false, true, true])
  })

  it('tell of every write and of ephemerals that go with their session, where that is asked for', async () => {
    await ensemble.close()
    events = []
    const peer = { audit: (event: AuditEvent) => void events.push(event), auditWrites: true }
    ensemble = await openEnsemble(3, { seed: 5, peer })
    follower = [1, 2, 3].find(id => id !== ensemble.leader())!
    const alice = await client(follower, { identities: [{ scheme: 'digest', id: digestOf('alice:a') }] })
    await alice.create('/a', 'v', { sequential: true })
    await alice.create('/e', 'v', { ephemeral: true })
    await code(alice.create('/e', 'v'))
    await alice.multi([op.check('/e'), op.set('/e', 'w'), op.delete('/a0000000000')])
    await alice.setAcl('/e', CREATOR_ALL_ACL)
    await alice.close()
    await ensemble.advance(1000)
    expect(told(0)).to.deep.equal([
      ...Array(3).fill('serverStart  OK '),
      'create /a0000000000 OK digest:alice',
      'create /e OK digest:alice',
      'create /e NODE_EXISTS digest:alice',
      'setData /e OK digest:alice',
      'delete /a0000000000 OK digest:alice',
      'setAcl /e OK digest:alice',
      'closeSession  OK digest:alice',
      'deleteEphemeral /e OK digest:alice',
    ])
  })

  it('leave no secret in logs, errors, audit events or what peers say of themselves (CVE-2026-24308)', async () => {
    const alice = await client(follower, { identities: [] })
    const errors: unknown[] = []
    await alice.addAuth('digest', `root:${PASSWORD}`)
    await alice.create('/hers', 'v', { acl: CREATOR_ALL_ACL })
    const stranger = await client(follower, { identities: [] })
    for (const call of [stranger.get('/hers'), stranger.addAuth('odd', PASSWORD), alice.addAuth('odd', PASSWORD)])
      await call.catch((error: unknown) => errors.push(error))
    const hash = digestOf(`root:${PASSWORD}`).slice('root:'.length)
    const status = [...ensemble.peers.values()].map(peer => [peer.status, peer.health()])
    const all = [...logged, inspect([errors, events, status], { depth: 9, showHidden: true })].join('\n')
    expect(errors.length).to.equal(3)
    for (const secret of [PASSWORD, hash]) expect(all.includes(secret), secret).to.equal(false)
  })
})
