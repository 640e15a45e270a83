import { expect } from 'chai'
import type { AuthScheme } from '../../../lib/auth/auth-scheme.js'
import { Authenticator, standardSchemes } from '../../../lib/auth/authenticator.js'
import { digestOf } from '../../../lib/auth/digest.js'
import { x509Scheme } from '../../../lib/auth/x509.js'
import type { ChannelAttachment, ChannelReceiver } from '../../../lib/client/channel.js'
import type { Input } from '../../../lib/core/input.js'
import { systemClock } from '../../../lib/host/clock.js'
import { type ClientEffect, type LocalChannelPorts, LocalChannels } from '../../../lib/host/local-channel.js'
import { silentLogger } from '../../../lib/host/logger.js'
import { TRUSTED } from '../../../lib/model/acl.js'
import type { ClientId } from '../../../lib/model/ids.js'
import { DONE } from '../../../lib/model/response.js'
import { ZERO, zxid } from '../../../lib/model/zxid.js'
import { bytes } from '../../helpers/fake-channel.js'
import { settle } from './settle.js'

const client = 1 as ClientId
const reply = (cxid: number): ClientEffect => ({ kind: 'reply', client, cxid, zxid: zxid(1, cxid), response: DONE })
const notify = (path: string): ClientEffect => ({
  kind: 'notify',
  client,
  event: { type: 'dataChanged', path, zxid: zxid(1, 1) },
})

describe('local channel', () => {
  let inputs: Input[]
  let room: boolean
  let errors: string[]
  let channels: LocalChannels
  let ports: LocalChannelPorts
  const sound = { timeoutMs: 5000, resume: undefined, lastZxidSeen: ZERO }
  beforeEach(() => {
    inputs = []
    room = true
    errors = []
    ports = {
      offer: input => {
        if (room) inputs.push(input)
        return room
      },
      push: input => inputs.push(input),
      clock: systemClock(),
      logger: { ...silentLogger, error: message => errors.push(message) },
      dataBytesMax: 1000,
      audit: { authenticated: () => undefined },
      authenticator: new Authenticator(standardSchemes()),
      enforceAuthSchemes: [],
    }
    channels = new LocalChannels(ports)
  })

  function attach(told: string[], more: Partial<ChannelReceiver> = {}): ChannelAttachment {
    const receiver: ChannelReceiver = {
      attached: ({ session }) => told.push(`attached ${session}`),
      reply: cxid => told.push(`reply ${cxid}`),
      failed: (cxid, code, outcome) => told.push(`failed ${cxid} ${code} ${outcome}`),
      event: event => told.push(`event ${event.path}`),
      serving: serving => told.push(`serving ${serving}`),
      detached: code => told.push(`detached ${code}`),
      ...more,
    }
    return channels.channel().attach({ timeoutMs: 5000, resume: undefined, lastZxidSeen: ZERO }, receiver)
  }

  it('makes inputs of what a client does, in its order', () => {
    const attachment = attach([])
    attachment.send(1, { kind: 'ping' })
    attachment.detach()
    attachment.send(2, { kind: 'ping' })
    attachment.detach()
    expect(inputs).to.deep.equal([
      {
        kind: 'clientAttached',
        client,
        attachment: { timeoutMs: 5000, resume: undefined, lastZxidSeen: ZERO, identities: TRUSTED, embedded: true },
      },
      { kind: 'request', client, cxid: 1, request: { kind: 'ping' } },
      { kind: 'clientDetached', client },
    ])
  })

  it('lets nothing in that has no encoding or does not fit into a message', async () => {
    const told: string[] = []
    const attachment = attach(told)
    inputs.length = 0
    attachment.send(1, { kind: 'delete', path: '/a', version: Number.NaN })
    attachment.send(2, { kind: 'sync', path: '/\ud800' })
    attachment.send(3, {
      kind: 'setAcl',
      path: '/a',
      acl: [{ perms: 2 ** 40, scheme: 'world', id: 'anyone' }],
      version: 0,
    })
    attachment.send(4, { kind: 'sync', path: `/${'a'.repeat(100_000)}` })
    attachment.send(5, undefined as never)
    await settle()
    expect(inputs).to.deep.equal([])
    expect(told.slice(1)).to.deep.equal([
      'failed 1 BAD_ARGUMENTS not-applied',
      'failed 2 BAD_ARGUMENTS not-applied',
      'failed 3 INVALID_ACL not-applied',
      'failed 4 DATA_TOO_LARGE not-applied',
      'failed 5 BAD_ARGUMENTS not-applied',
    ])
  })

  it('verifies an auth, and puts what it proves among the requests in its place', () => {
    const attachment = channels.channel({ identities: [] }).attach(sound, {} as never)
    inputs.length = 0
    const auth = bytes('alice:secret')
    attachment.send(1, { kind: 'ping' })
    attachment.send(2, { kind: 'auth', scheme: 'digest', auth })
    attachment.send(3, { kind: 'ping' })
    const identities = [{ scheme: 'digest', id: digestOf('alice:secret') }]
    expect(inputs.map(input => input.kind === 'request' && input.request)).to.deep.equal([
      { kind: 'ping' },
      { kind: 'authenticated', identities },
      { kind: 'ping' },
    ])
    expect(JSON.stringify(inputs)).to.not.include('secret')
    expect([...auth].some(byte => byte !== 0)).to.equal(false)
  })

  it('lets go of whoever is refused, and takes nothing more from it', async () => {
    const told: string[] = []
    const attachment = attach(told)
    inputs.length = 0
    attachment.send(1, { kind: 'auth', scheme: 'kerberos', auth: bytes('x') })
    attachment.send(2, { kind: 'ping' })
    attachment.send(3, { kind: 'auth', scheme: 'digest', auth: bytes('x') })
    await settle()
    expect(told.slice(1)).to.deep.equal(['failed 1 AUTH_FAILED not-applied', 'detached AUTH_FAILED'])
    expect(inputs).to.deep.equal([{ kind: 'clientDetached', client }])
    attachment.detach()
    expect(inputs).to.have.lengthOf(1)
  })

  it('lets nobody say whom it has authenticated as', async () => {
    const told: string[] = []
    const attachment = attach(told)
    inputs.length = 0
    attachment.send(1, { kind: 'authenticated', identities: TRUSTED })
    attachment.send(2, { kind: 'auth', scheme: 'digest', auth: 'alice:secret' as never })
    await settle()
    expect(told.slice(1, 3)).to.deep.equal(['failed 1 BAD_ARGUMENTS not-applied', 'failed 2 AUTH_FAILED not-applied'])
    expect(inputs).to.deep.equal([{ kind: 'clientDetached', client }])
  })

  it('R2: gives one attachment a bounded number of identities', async () => {
    const told: string[] = []
    const attachment = attach(told)
    for (let at = 0; at < 1000; at++) attachment.send(at, { kind: 'auth', scheme: 'digest', auth: bytes(`u${at}`) })
    await settle()
    expect(told.at(-1)).to.equal('detached AUTH_FAILED')
    expect(inputs.length).to.be.below(70)
  })

  it('takes who proves the same again and again for one and the same', async () => {
    const told: string[] = []
    const attachment = attach(told)
    for (let at = 0; at < 1000; at++)
      attachment.send(at, { kind: 'auth', scheme: 'digest', auth: bytes('alice:secret') })
    await settle()
    expect(told.filter(each => each.startsWith('detached'))).to.deep.equal([])
  })

  it('R2: and of bounded length, and of a shape that can be sent, whatever a scheme makes of it', async () => {
    const odd = (identities: unknown): AuthScheme => ({
      ...x509Scheme,
      name: 'odd',
      authenticate: () => identities as never,
    })
    for (const identities of [
      [{ scheme: 'odd', id: 'x'.repeat(20_000) }],
      [{ scheme: 'odd', id: '\ud800' }],
      'x',
      [{}],
    ]) {
      channels = new LocalChannels({ ...ports, authenticator: new Authenticator([odd(identities)]) })
      const told: string[] = []
      attach(told).send(1, { kind: 'auth', scheme: 'odd', auth: bytes('x') })
      await settle()
      expect(told.at(-1), JSON.stringify(identities).slice(0, 40)).to.equal('detached AUTH_FAILED')
    }
  })

  it('knows a client from outside by its address', () => {
    channels.channel({ address: '::ffff:10.0.0.1', embedded: false }).attach(sound, {} as never)
    const input = inputs.at(-1)!
    expect(input.kind === 'clientAttached' && input.attachment.identities).to.deep.equal([
      { scheme: 'ip', id: '10.0.0.1' },
    ])
  })

  it('serves nobody from outside that has not authenticated, where that is wanted', async () => {
    channels = new LocalChannels({ ...ports, enforceAuthSchemes: ['digest'] })
    const told: string[] = []
    const receiver = {
      failed: (cxid: number, code: string) => told.push(`failed ${cxid} ${code}`),
      detached: (code: string) => told.push(`detached ${code}`),
      serving: () => undefined,
    } as unknown as ChannelReceiver
    const outside = channels.channel({ address: '10.0.0.1', embedded: false })
    const [first, second] = [outside.attach(sound, receiver), outside.attach(sound, receiver)]
    const [pings, closes] = [outside.attach(sound, receiver), outside.attach(sound, receiver)]
    const inside = channels.channel().attach(sound, receiver)
    inputs.length = 0
    pings.send(1, { kind: 'ping' })
    closes.send(1, { kind: 'closeSession' })
    first.send(2, { kind: 'auth', scheme: 'ip', auth: bytes('') })
    first.send(3, { kind: 'sync', path: '/' })
    second.send(1, { kind: 'auth', scheme: 'digest', auth: bytes('a:b') })
    second.send(2, { kind: 'sync', path: '/' })
    inside.send(1, { kind: 'sync', path: '/' })
    await settle()
    const taken = inputs.map(input => (input.kind === 'request' ? `${input.client} ${input.request.kind}` : input.kind))
    expect(taken).to.deep.equal([
      'clientDetached',
      'clientDetached',
      '1 authenticated',
      'clientDetached',
      '2 authenticated',
      '2 sync',
      '5 sync',
    ])
    const code = 'SESSION_CLOSED_REQUIRE_SASL_AUTH'
    expect(told.filter(each => each !== `detached ${code}`).sort()).to.deep.equal([
      `failed 1 ${code}`,
      `failed 1 ${code}`,
      `failed 3 ${code}`,
    ])
    expect(told).to.have.length(6)
  })

  it('attaches nobody with a timeout or a session that has no encoding', () => {
    const password = new Uint8Array(16)
    for (const wrong of [
      { timeoutMs: Number.NaN },
      { timeoutMs: 0.5 },
      { timeoutMs: '5000' },
      { lastZxidSeen: undefined },
      { lastZxidSeen: { epoch: 1, counter: -1 } },
      { resume: { session: 'x', password } },
      { resume: { session: '0'.repeat(16), password: 'secret' } },
    ])
      expect(() => channels.channel().attach({ ...sound, ...wrong } as never, {} as never))
        .to.throw()
        .with.property('code', 'BAD_ARGUMENTS')
    expect(inputs).to.deep.equal([])
  })

  it('never calls a receiver from within the call that brought the effect', async () => {
    const told: string[] = []
    attach(told)
    channels.perform(reply(1))
    expect(told).to.deep.equal([])
    await settle()
    expect(told).to.deep.equal(['serving false', 'reply 1'])
  })

  it('W1: shows an awaited answer before a later event, however many steps the await takes', async () => {
    const told: string[] = []
    let answered = (): void => {}
    const answer = new Promise<void>(resolve => {
      answered = resolve
    })
    attach(told, { reply: () => answered() })
    const deep = async (depth: number): Promise<void> => (depth === 0 ? answer : deep(depth - 1))
    const application = (async () => {
      await deep(20)
      told.push('the application saw the answer')
    })()
    channels.perform(reply(1))
    channels.perform(notify('/a'))
    channels.perform(notify('/b'))
    await application
    await settle()
    expect(told).to.deep.equal(['serving false', 'the application saw the answer', 'event /a', 'event /b'])
  })

  it('W1: does so also when the event comes about while the answer is being awaited', async () => {
    const told: string[] = []
    let answered = (): void => {}
    const answer = new Promise<void>(resolve => {
      answered = resolve
    })
    attach(told, {
      reply: () => {
        answered()
        queueMicrotask(() => channels.perform(notify('/a')))
      },
    })
    const application = (async () => {
      await answer
      for (let step = 0; step < 20; step++) await undefined
      told.push('the application saw the answer')
    })()
    channels.perform(reply(1))
    await application
    await settle()
    expect(told).to.deep.equal(['serving false', 'the application saw the answer', 'event /a'])
  })

  it('W1: shows what follows an event by microtasks before the next answer', async () => {
    const told: string[] = []
    attach(told, {
      event: event => {
        void (async () => {
          for (let step = 0; step < 10; step++) await undefined
          told.push(`the application saw ${event.path}`)
        })()
      },
    })
    channels.perform(notify('/a'))
    channels.perform(reply(1))
    await settle()
    expect(told).to.deep.equal(['serving false', 'the application saw /a', 'reply 1'])
  })

  it('keeps the order of mixed answers and events', async () => {
    const told: string[] = []
    attach(told)
    for (let n = 1; n <= 100; n++) channels.perform(n % 7 === 0 ? notify(`/${n}`) : reply(n))
    await settle()
    expect(told.slice(1)).to.deep.equal(
      Array.from({ length: 100 }, (_, n) => ((n + 1) % 7 === 0 ? `event /${n + 1}` : `reply ${n + 1}`)),
    )
  })

  it('says nothing after detached or detach', async () => {
    const told: string[] = []
    attach(told)
    channels.perform({ kind: 'detachClient', client, code: 'CONNECTION_LOSS' })
    channels.perform(reply(1))
    await settle()
    expect(told).to.deep.equal(['serving false', 'detached CONNECTION_LOSS'])
    const other: string[] = []
    const attachment = attach(other)
    attachment.detach()
    await settle()
    expect(other).to.deep.equal([])
  })

  it('R2: fails a request with OVERLOADED when the inbox is full', async () => {
    const told: string[] = []
    const attachment = attach(told)
    room = false
    attachment.send(1, { kind: 'ping' })
    await settle()
    expect(told).to.deep.equal(['serving false', 'failed 1 OVERLOADED not-applied'])
  })

  it('R1: loses only the client whose receiver throws', async () => {
    const told: string[] = []
    attach([], {
      reply: () => {
        throw new Error('a bug of the application')
      },
    })
    attach(told)
    channels.perform(reply(1))
    channels.perform({ ...reply(1), client: 2 as ClientId })
    await settle()
    expect(errors).to.have.length(1)
    expect(inputs.at(-1)).to.deep.equal({ kind: 'clientDetached', client })
    expect(told).to.deep.equal(['serving false', 'reply 1'])
  })

  it('tells everyone when the peer has stopped, and whoever comes later', async () => {
    const told: string[] = []
    attach(told)
    channels.serving(true)
    channels.close('CLOSED')
    const late: string[] = []
    attach(late)
    await settle()
    expect(told).to.deep.equal(['serving false', 'serving true', 'serving false', 'detached CLOSED'])
    expect(late).to.deep.equal(['detached CLOSED'])
    expect(channels.size).to.equal(0)
  })
})
