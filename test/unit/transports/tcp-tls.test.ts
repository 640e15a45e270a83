import { once } from 'node:events'
import { connect as connectTcp, createServer } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { expect } from 'chai'
import { type ErrorCode, hasCode } from '../../../lib/model/errors.js'
import type { Transport } from '../../../lib/transport/transport.js'
import { type TcpOptions, type TlsOptions, tcp } from '../../../transports/tcp/index.js'
import { Recorder, transportCompliance, until } from '../../compliance/transport.js'
import { type Credentials, type LeafOptions, makeAuthority } from '../../helpers/certificates.js'

const ca = makeAuthority()
const otherCa = makeAuthority('somebody else')
const loopback = ca.issue({ names: ['ip:127.0.0.1', 'localhost'] })
const trusting = (credentials: Credentials): TlsOptions => ({ ...credentials, ca: ca.cert })
const portOf = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1))
const never = new AbortController().signal

transportCompliance('tcp with tls', () => ({
  create: () => tcp({ port: 0, tls: trusting(loopback) }),
  createAt: taken => tcp({ port: portOf(taken.address), tls: trusting(loopback) }),
  nobody: () => 'tcp://127.0.0.1:1',
  connects: 200, // a thousand mutual handshakes would be five seconds of arithmetic
  raw: async address => {
    const socket = connectTls({ host: '127.0.0.1', port: portOf(address), ...loopback, ca: ca.cert })
    socket.setNoDelay(true)
    await once(socket, 'secureConnect')
    return socket
  },
}))

describe('tcp transport with tls', () => {
  let opened: Transport[] = []
  afterEach(async () => {
    await Promise.all(opened.map(transport => transport.close()))
    opened = []
  })
  const make = (options: TcpOptions) => {
    const transport = tcp(options)
    opened.push(transport)
    return transport
  }
  const listening = async (tls: TlsOptions = trusting(loopback)) => {
    const transport = make({ port: 0, tls })
    const accepted: Recorder[] = []
    await transport.listen(connection => accepted.push(new Recorder(connection)))
    return { transport, accepted }
  }
  const dial = (tls: TlsOptions | undefined, address: string) =>
    make({ port: 0, ...(tls === undefined ? {} : { tls }) }).dial(address, { signal: never })
  const fails = async (promise: Promise<unknown>, code: ErrorCode) => {
    const outcome: unknown = await promise.then(
      () => 'it succeeded',
      (error: unknown) => error,
    )
    expect(hasCode(outcome, code), String(outcome)).to.equal(true)
  }

  it('tells each side the names the other has proven', async () => {
    const { transport, accepted } = await listening()
    const dialler = trusting(ca.issue({ names: ['peer-2.zoo', 'ip:10.0.0.2'], commonName: 'ignored' }))
    const near = await dial(dialler, transport.address)
    new Recorder(near)
    await until(() => accepted.length === 1, 'accepted')
    expect(near.identity).to.deep.equal(['127.0.0.1', 'localhost'])
    expect(accepted[0]!.connection.identity).to.deep.equal(['peer-2.zoo', '10.0.0.2'])
  })

  describe('CVE-2018-8012: refuses before any frame is heard', () => {
    const intruders: readonly [string, LeafOptions | undefined][] = [
      ['an expired certificate', { names: ['ip:127.0.0.1'], validUntil: -0.5 }],
      ['a certificate that is not valid yet', { names: ['ip:127.0.0.1'], validFrom: 1 }],
      ['a certificate for servers only', { names: ['ip:127.0.0.1'], purposes: ['server'] }],
    ]
    const intrude = async (credentials: Credentials | undefined, names?: readonly string[]) => {
      const { transport, accepted } = await listening({
        ...trusting(loopback),
        ...(names === undefined ? {} : { names }),
      })
      const socket = connectTls({ host: '127.0.0.1', port: portOf(transport.address), ...credentials, ca: ca.cert })
      socket.on('error', () => undefined)
      socket.on('secureConnect', () => socket.write(Buffer.from([0, 0, 0, 1, 7])))
      await new Promise(resolve => socket.once('close', resolve))
      expect(accepted).to.have.length(0)
      // The listener goes on serving.
      new Recorder(await dial(trusting(loopback), transport.address))
      await until(() => accepted.length === 1, 'a proper peer is accepted')
    }

    it('a client without a certificate', () => intrude(undefined))
    it('a certificate of another authority', () => intrude(otherCa.issue({ names: ['ip:127.0.0.1'] })))
    for (const [what, options] of intruders) it(what, () => intrude(ca.issue(options)))
    it('a certificate whose names are not among the accepted ones', () =>
      intrude(ca.issue({ names: ['ip:127.0.0.2', 'localhost.zoo', 'xlocalhost'], commonName: 'localhost' }), [
        'localhost',
      ]))
    it('a certificate without names where names are asked for', () =>
      intrude(ca.issue({ commonName: 'localhost' }), ['localhost']))

    it('a client that speaks no TLS', async () => {
      const { transport, accepted } = await listening()
      const near = new Recorder(await dial(undefined, transport.address))
      near.send('plain')
      await near.until(() => near.closings.length === 1)
      expect(accepted).to.have.length(0)
    })
  })

  describe('CVE-2026-24281: does not dial', () => {
    const impostor = async (credentials: Credentials, address = '127.0.0.1', tls = trusting(loopback)) => {
      const server = createTlsServer({ ...credentials, ca: ca.cert, requestCert: true })
      server.on('tlsClientError', () => undefined)
      server.on('secureConnection', socket => socket.on('error', () => undefined))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as { port: number }
      await fails(dial(tls, `tcp://${address}:${port}`), 'TRANSPORT_FAILED')
      server.close()
      await once(server, 'close')
    }

    it('a server of another authority', () => impostor(otherCa.issue({ names: ['ip:127.0.0.1'] })))
    it('a server with another name', () => impostor(ca.issue({ names: ['peer-2.zoo'] }), 'localhost'))
    it('a server with another address', () => impostor(ca.issue({ names: ['localhost'] })))
    it('a server whose common name alone fits', () => impostor(ca.issue({ commonName: 'localhost' }), 'localhost'))
    it('a server with a wildcard', () => impostor(ca.issue({ names: ['*'] }), 'localhost'))
    it('a server whose name only begins alike, or hides behind a NUL', () =>
      impostor(ca.issue({ names: ['localhost.evil', 'localhost\0.evil'] }), 'localhost'))
    it('a server with an expired certificate', () => impostor(ca.issue({ names: ['ip:127.0.0.1'], validUntil: -0.5 })))
    it('a server with a certificate for clients only', () =>
      impostor(ca.issue({ names: ['ip:127.0.0.1'], purposes: ['client'] })))
    it('a server whose names are not among the accepted ones, even if the host fits', () =>
      impostor(loopback, '127.0.0.1', { ...trusting(loopback), names: ['peer-2.zoo'] }))

    it('a server that speaks no TLS, or older than 1.2', async () => {
      const plain = createServer(socket => socket.end('hello'))
      plain.listen(0, '127.0.0.1')
      await once(plain, 'listening')
      await fails(
        dial(trusting(loopback), `tcp://127.0.0.1:${(plain.address() as { port: number }).port}`),
        'TRANSPORT_FAILED',
      )
      plain.close()
      await impostorOfVersion('TLSv1.1')
    })

    const impostorOfVersion = async (version: 'TLSv1.1') => {
      const old = createTlsServer({
        ...loopback,
        ca: ca.cert,
        minVersion: version,
        maxVersion: version,
        ciphers: 'DEFAULT@SECLEVEL=0',
      })
      old.on('tlsClientError', () => undefined)
      old.listen(0, '127.0.0.1')
      await once(old, 'listening')
      await fails(
        dial(trusting(loopback), `tcp://127.0.0.1:${(old.address() as { port: number }).port}`),
        'TRANSPORT_FAILED',
      )
      old.close()
    }
  })

  it('accepts by configured names instead of the dialled host', async () => {
    const named = trusting(ca.issue({ names: ['Peer-1.zoo'] }))
    const { transport } = await listening(named)
    await fails(dial(trusting(loopback), transport.address), 'TRANSPORT_FAILED')
    new Recorder(await dial({ ...trusting(loopback), names: ['peer-1.ZOO'] }, transport.address))
  })

  it('dials by name', async () => {
    const { transport } = await listening()
    const near = await dial(trusting(loopback), `tcp://localhost:${portOf(transport.address)}`)
    new Recorder(near)
    expect(near.identity).to.include('localhost')
  })

  it('does not wait for handshakes that are not finished when it closes, on either side', async () => {
    const { transport, accepted } = await listening()
    const silent = connectTcp({ host: '127.0.0.1', port: portOf(transport.address) })
    await once(silent, 'connect')
    const begun = performance.now()
    await transport.close()
    expect(performance.now() - begun, 'well before the handshake’s own deadline').to.be.below(3_000)
    await once(silent, 'close')
    expect(accepted).to.have.length(0)

    const mute = createServer(() => undefined)
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const dialler = make({ port: 0, tls: trusting(loopback) })
    const dialling = dialler.dial(`tcp://127.0.0.1:${(mute.address() as { port: number }).port}`, { signal: never })
    const held = new Promise<void>(resolve => mute.once('connection', socket => socket.once('close', () => resolve())))
    const failing = fails(dialling, 'TRANSPORT_FAILED')
    await once(mute, 'connection')
    await dialler.close()
    await Promise.all([failing, held])
    mute.close()
  })

  it('gives a handshake up when its signal fires in the middle of it', async () => {
    const mute = createServer(socket => socket.on('error', () => undefined))
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const abort = new AbortController()
    const address = `tcp://127.0.0.1:${(mute.address() as { port: number }).port}`
    const failing = fails(make({ port: 0, tls: trusting(loopback) }).dial(address, { signal: abort.signal }), 'ABORTED')
    await once(mute, 'connection')
    abort.abort()
    await failing
    mute.close()
  })

  it('gives a handshake five seconds, on either side (etcd GHSA-6vch-q96h-7gc3)', async () => {
    const { transport } = await listening()
    const silent = connectTcp({ host: '127.0.0.1', port: portOf(transport.address) })
    silent.on('error', () => undefined)
    silent.resume()
    const mute = createServer(socket => socket.on('error', () => undefined))
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const begun = performance.now()
    const dialling = fails(
      dial(trusting(loopback), `tcp://127.0.0.1:${(mute.address() as { port: number }).port}`),
      'TRANSPORT_FAILED',
    )
    await Promise.all([new Promise(resolve => silent.once('close', resolve)), dialling])
    expect(performance.now() - begun).to.be.within(4_500, 9_000)
    mute.close()
  }).timeout(20_000)

  it('says what is wrong with the key material, without repeating it', () => {
    expect(() => tcp({ port: 0, tls: { ...trusting(loopback), key: 'no key at all' } }))
      .to.throw(/BAD_OPTIONS.*tls/)
      .with.property('message')
      .that.does.not.include('no key at all')
    expect(() => tcp({ port: 0, tls: { key: '', rejectUnauthorized: false } as never })).to.throw(
      /unknown option 'tls.rejectUnauthorized'.*tls.key.*tls.cert.*tls.ca/,
    )
  })
})
