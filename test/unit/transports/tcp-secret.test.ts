import { connect, createServer, type Server, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { expect } from 'chai'
import { type ErrorCode, hasCode } from '../../../lib/model/errors.js'
import { FrameDecoder, frameHeader } from '../../../lib/transport/frame.js'
import {
  decodeHello,
  decodeRefusal,
  encodeHello,
  encodeRefusal,
  handshakeKinds,
  isRefusal,
  writeHandshakeHead,
} from '../../../lib/transport/handshake.js'
import { FIRST_FRAME_BYTES_MAX, type Transport } from '../../../lib/transport/transport.js'
import { StreamLink } from '../../../transports/stream-link.js'
import { type TcpOptions, tcp } from '../../../transports/tcp/index.js'
import { SealedConnection } from '../../../transports/tcp/sealed-connection.js'
import { SharedSecret } from '../../../transports/tcp/shared-secret.js'
import { Recorder, transportCompliance, until } from '../../compliance/transport.js'

const MARKER = 'marker-secret-3f9a'
const OTHER = 'another-secret-77c1'
const portOf = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1))
const never = new AbortController().signal

transportCompliance('tcp with a secret', () => ({
  create: () => tcp({ port: 0, secret: MARKER }),
  createAt: taken => tcp({ port: portOf(taken.address), secret: MARKER }),
  nobody: () => 'tcp://127.0.0.1:1',
  connects: 300,
}))

type Direction = 'out' | 'back'
/** What of a frame is passed on; `index` counts from 0 in each direction, and the exchange takes two each. */
type Tamper = (direction: Direction, index: number, frame: Buffer) => readonly Buffer[]

describe('tcp transport with a secret', () => {
  let opened: Transport[] = []
  let servers: Server[] = []
  let sockets: Socket[] = []
  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    await Promise.all(opened.map(transport => transport.close()))
    await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
    opened = []
    servers = []
    sockets = []
  })

  const make = (options: Partial<TcpOptions> = { secret: MARKER }) => {
    const transport = tcp({ port: 0, ...options })
    opened.push(transport)
    return transport
  }
  const listening = async (options?: Partial<TcpOptions>) => {
    const transport = make(options)
    const accepted: Recorder[] = []
    await transport.listen(connection => accepted.push(new Recorder(connection)))
    return { transport, accepted }
  }
  const keep = (socket: Socket): Socket => {
    socket.on('error', () => undefined)
    sockets.push(socket)
    return socket
  }
  const serve = async (onSocket: (socket: Socket) => void): Promise<string> => {
    const server = createServer(socket => onSocket(keep(socket)))
    servers.push(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return `tcp://127.0.0.1:${(server.address() as { port: number }).port}`
  }
  const framed = (frame: Uint8Array) => Buffer.concat([frameHeader(frame.length), frame])
  const onFrames = (socket: Socket, each: (frame: Buffer) => void) => {
    const decoder = new FrameDecoder()
    decoder.established()
    socket.on('data', chunk => {
      decoder.push(chunk)
      for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) each(Buffer.from(frame))
    })
  }
  /** Somebody between the two who sees and changes everything. */
  const between = (target: string, tamper: Tamper) =>
    serve(near => {
      const far = keep(connect(portOf(target), '127.0.0.1'))
      const pass = (from: Socket, to: Socket, direction: Direction) => {
        let index = 0
        onFrames(from, frame => {
          for (const each of tamper(direction, index++, frame)) to.write(framed(each))
        })
        from.on('close', () => to.end())
      }
      pass(near, far, 'out')
      pass(far, near, 'back')
    })
  const whyNot = async (promise: Promise<unknown>, code: ErrorCode): Promise<string> => {
    const outcome: unknown = await promise.then(
      () => 'it succeeded',
      (error: unknown) => error,
    )
    expect(hasCode(outcome, code), String(outcome)).to.equal(true)
    return (outcome as Error).message
  }
  const dial = (address: string, options?: Partial<TcpOptions>) => make(options).dial(address, { signal: never })
  /** The acceptor has heard of nothing but that somebody was refused, and goes on serving. */
  const onlyRefused = async (
    { transport, accepted }: { transport: Transport; accepted: Recorder[] },
    code: ErrorCode,
    options?: Partial<TcpOptions>,
  ) => {
    await until(() => accepted.length === 1 && accepted[0]!.closings.length === 1, 'refused')
    expect(accepted[0]!.frames).to.deep.equal([])
    expect(hasCode(accepted[0]!.closings[0], code), String(accepted[0]!.closings[0])).to.equal(true)
    const near = new Recorder(await dial(transport.address, options))
    near.send('proper')
    await until(() => accepted[1]?.texts()[0] === 'proper', 'a proper peer is served')
    return accepted[0]!.closings[0]!.message
  }

  it('connects peers with the same secret, text or bytes, also outside loopback; with tls it is refused', async () => {
    make({ secret: MARKER, host: '10.0.0.1' })
    const one = await listening()
    const near = new Recorder(await dial(one.transport.address, { secret: Buffer.from(MARKER) }))
    near.send('hello')
    await until(() => one.accepted[0]?.texts()[0] === 'hello', 'heard')
    one.accepted[0]!.send('and back')
    await until(() => near.texts()[0] === 'and back', 'answered')
    expect(near.connection.identity).to.equal(undefined)
    expect(() => make({ secret: MARKER, tls: { key: 'k', cert: 'c', ca: 'a' } })).to.throw(/BAD_OPTIONS.*not both/)
    for (const bad of ['', 'x'.repeat(15), new Uint8Array(15), 7, null, {}, ['x'.repeat(16)]]) {
      expect(() => make({ secret: bad as never }), inspect(bad)).to.throw(/BAD_OPTIONS.*secret must/)
    }
    make({ secret: 'é'.repeat(8) })
    make({ secret: new Uint8Array(16) })
  })

  describe('CVE-2018-8012: refuses before any frame is heard', () => {
    it('another secret: both sides say why', async () => {
      const side = await listening()
      expect(await whyNot(dial(side.transport.address, { secret: OTHER }), 'HANDSHAKE_REFUSED')).to.match(
        /refused by the other side: .*another shared secret/,
      )
      expect(await onlyRefused(side, 'HANDSHAKE_REFUSED')).to.match(/another shared secret/)
    })

    it('a dialler without a secret: it is told why', async () => {
      const side = await listening()
      const near = new Recorder(await dial(side.transport.address, {}))
      near.connection.send([hello()])
      await until(() => near.frames.length === 1, 'told')
      expect(decodeRefusal(near.frames[0]!)).to.have.property('code', 'HANDSHAKE_REFUSED')
      expect(decodeRefusal(near.frames[0]!).reason).to.match(/asks for the shared secret/)
      near.connection.close()
      await onlyRefused(side, 'HANDSHAKE_REFUSED')
    })

    it('an acceptor without a secret: both sides say why', async () => {
      const { transport, accepted } = await listening({})
      const refused = whyNot(dial(transport.address), 'HANDSHAKE_REFUSED')
      await until(() => accepted[0]?.frames.length === 1, 'a plain side hears the nonce')
      const reason = 'the other side has a shared secret, this one has none'
      expect(() => decodeHello(accepted[0]!.frames[0]!)).to.throw(reason)
      accepted[0]!.connection.send([encodeRefusal({ code: 'PROTOCOL_ERROR', reason })])
      expect(await refused).to.include(`refused by the other side: ${reason}`)
    })

    it('an acceptor without a secret that only closes', async () => {
      const { transport, accepted } = await listening({})
      const refused = whyNot(dial(transport.address), 'TRANSPORT_FAILED')
      await until(() => accepted[0]?.frames.length === 1, 'a plain side hears the nonce')
      accepted[0]!.connection.destroy()
      expect(await refused).to.match(/before the shared secret was proven/)
    })

    it('an acceptor that answers a proof with that proof (reflection)', async () => {
      const address = await serve(socket => {
        let nonceTaken = false
        onFrames(socket, frame => {
          if (nonceTaken) socket.write(framed(frame))
          else socket.write(framed(handshake(handshakeKinds.nonce, Buffer.alloc(32, 5))))
          nonceTaken = true
        })
      })
      expect(await whyNot(dial(address), 'HANDSHAKE_REFUSED')).to.match(/another shared secret/)
    })

    it('an acceptor that sends back everything (reflected challenge)', async () => {
      const address = await serve(socket => socket.pipe(socket))
      await whyNot(dial(address), 'HANDSHAKE_REFUSED')
    })

    it('a replayed exchange, and all that followed it', async () => {
      const side = await listening()
      const said: Buffer[] = []
      const address = await between(side.transport.address, (direction, _index, frame) => {
        if (direction === 'out') said.push(frame)
        return [frame]
      })
      const near = new Recorder(await dial(address))
      near.send('once')
      await until(() => side.accepted[0]?.frames.length === 1, 'recorded')
      near.connection.close()
      await until(() => side.accepted[0]!.closings.length === 1, 'closed')
      side.accepted.length = 0
      const socket = keep(connect(portOf(side.transport.address), '127.0.0.1'))
      socket.resume()
      for (const frame of said) socket.write(framed(frame))
      await onlyRefused(side, 'HANDSHAKE_REFUSED')
    })

    for (const [what, bytes, code] of [
      ['a truncated nonce', framed(handshake(3, Buffer.alloc(31))), 'PROTOCOL_ERROR'],
      ['a nonce with more behind', framed(handshake(3, Buffer.alloc(33))), 'PROTOCOL_ERROR'],
      ['a proof before a nonce', framed(handshake(4, Buffer.alloc(32))), 'PROTOCOL_ERROR'],
      ['a truncated proof', Buffer.concat([nonce(), framed(handshake(4, Buffer.alloc(31)))]), 'PROTOCOL_ERROR'],
      ['an empty proof', Buffer.concat([nonce(), framed(handshake(4, Buffer.alloc(0)))]), 'PROTOCOL_ERROR'],
      ['two nonces', Buffer.concat([nonce(), nonce()]), 'PROTOCOL_ERROR'],
      ['no head', framed(Buffer.from('GET / ')), 'PROTOCOL_ERROR'],
      ['an empty frame', framed(Buffer.alloc(0)), 'PROTOCOL_ERROR'],
      ['a frame above the first frame limit', Buffer.from(frameHeader(FIRST_FRAME_BYTES_MAX + 17)), 'PROTOCOL_ERROR'],
      [
        'the second frame above that limit',
        Buffer.concat([nonce(), frameHeader(FIRST_FRAME_BYTES_MAX + 17)]),
        'PROTOCOL_ERROR',
      ],
    ] as const) {
      it(what, async () => {
        const side = await listening()
        const socket = keep(connect(portOf(side.transport.address), '127.0.0.1'))
        socket.resume()
        socket.write(bytes)
        await onlyRefused(side, code)
      })
    }

    it('an exchange cut off by an end', async () => {
      const side = await listening()
      const socket = keep(connect(portOf(side.transport.address), '127.0.0.1'))
      socket.resume()
      socket.end(nonce().subarray(0, 20))
      await onlyRefused(side, 'TRANSPORT_FAILED')
    })

    it('a flood: at most 100 connections may be in the exchange', async () => {
      const { transport, accepted } = await listening()
      const answered: Socket[] = []
      for (let i = 0; i < 100; i++) {
        const socket = keep(connect(portOf(transport.address), '127.0.0.1'))
        socket.once('data', () => answered.push(socket))
        socket.write(nonce())
      }
      await until(() => answered.length === 100, 'a hundred are answered')
      await whyNot(dial(transport.address), 'TRANSPORT_FAILED')
      answered[0]!.destroy()
      await until(() => accepted.length === 1, 'one place is free')
      new Recorder(await dial(transport.address))
    })
  })

  describe('the time for the exchange', () => {
    for (const role of ['acceptor', 'dialler'] as const) {
      it(`ends a slow ${role === 'acceptor' ? 'dialler' : 'acceptor'}, though it sends a little now and then`, async () => {
        let outcome: Error | undefined
        const address = await serve(socket => {
          const link = new StreamLink(socket, { remote: 'slow', onClosed: () => undefined, greetingFrames: 3 })
          const settled = (_: SealedConnection, error: Error | undefined) => {
            outcome = error
          }
          new SealedConnection(link, { secret: new SharedSecret(Buffer.from(MARKER)), role, exchangeMs: 60, settled })
        })
        const socket = keep(connect(portOf(address), '127.0.0.1'))
        socket.resume()
        socket.write(frameHeader(38))
        const drip = setInterval(() => socket.write(Buffer.alloc(1)), 10)
        await new Promise(resolve => socket.once('close', resolve))
        clearInterval(drip)
        expect(outcome?.message).to.match(/HANDSHAKE_REFUSED: the shared secret was not proven within 60 ms/)
      })
    }

    it('a dial that is aborted in it, or whose transport closes, ends at once', async () => {
      const address = await serve(socket => socket.resume())
      const abort = new AbortController()
      const aborted = make().dial(address, { signal: abort.signal })
      await until(() => sockets.length === 1, 'connected')
      abort.abort()
      await whyNot(aborted, 'ABORTED')
      const transport = make()
      const dialling = whyNot(transport.dial(address, { signal: never }), 'TRANSPORT_FAILED')
      await until(() => sockets.length === 2, 'connected')
      await transport.close()
      await dialling
    })
  })

  describe('refuses frames that are not the next ones the other side has sent:', () => {
    /** Five frames each way through somebody who tampers with one direction. */
    const tampered = async (direction: Direction, tamper: (index: number, frame: Buffer) => readonly Buffer[]) => {
      const { transport, accepted } = await listening()
      const address = await between(transport.address, (way, index, frame) =>
        way === direction && index >= 2 ? tamper(index - 2, frame) : [frame],
      )
      const near = new Recorder(await dial(address))
      await until(() => accepted.length === 1, 'accepted')
      const [from, to] = direction === 'out' ? [near, accepted[0]!] : [accepted[0]!, near]
      for (let i = 0; i < 5; i++) from.send(`frame ${i}`)
      await until(() => to.closings.length === 1, 'closed')
      expect(hasCode(to.closings[0], 'PROTOCOL_ERROR'), String(to.closings[0])).to.equal(true)
      expect(String(to.closings[0])).to.match(/not authentic/)
      return to.texts()
    }
    const held: Buffer[] = []
    const flipped = (frame: Buffer, at: number) => {
      const copy = Buffer.from(frame)
      copy[at < 0 ? copy.length + at : at]! ^= 1
      return copy
    }
    const table: readonly [string, (index: number, frame: Buffer) => readonly Buffer[], readonly string[]][] = [
      ['replayed', (index, frame) => (index === 1 ? [frame, frame] : [frame]), ['frame 0', 'frame 1']],
      ['dropped', (index, frame) => (index === 1 ? [] : [frame]), ['frame 0']],
      [
        'reordered',
        (index, frame) => {
          if (index === 1) held.splice(0, held.length, frame)
          return index === 1 ? [] : index === 2 ? [frame, ...held] : [frame]
        },
        ['frame 0'],
      ],
      ['with a flipped bit', (index, frame) => (index === 1 ? [flipped(frame, 3)] : [frame]), ['frame 0']],
      ['with a flipped bit in the MAC', (index, frame) => (index === 1 ? [flipped(frame, -1)] : [frame]), ['frame 0']],
      ['shortened', (index, frame) => (index === 1 ? [frame.subarray(1)] : [frame]), ['frame 0']],
      ['prolonged', (index, frame) => (index === 1 ? [Buffer.concat([frame, frame])] : [frame]), ['frame 0']],
      ['shorter than a MAC', (index, frame) => (index === 1 ? [frame.subarray(0, 15)] : [frame]), ['frame 0']],
      ['empty', (index, frame) => (index === 1 ? [Buffer.alloc(0)] : [frame]), ['frame 0']],
      ['without their MAC', (index, frame) => (index === 0 ? [frame.subarray(0, -16)] : [frame]), []],
    ]
    for (const [what, tamper, heard] of table) {
      it(what, async () => {
        expect(await tampered('out', tamper)).to.deep.equal(heard)
        expect(await tampered('back', tamper)).to.deep.equal(heard)
      })
    }

    it('sent back to their sender', async () => {
      const { transport, accepted } = await listening()
      let reflect: Buffer | undefined
      const address = await between(transport.address, (direction, index, frame) => {
        if (direction === 'out' && index === 2) reflect = frame
        return direction === 'back' && index === 2 ? [reflect!] : [frame]
      })
      const near = new Recorder(await dial(address))
      near.send('hello')
      await until(() => accepted[0]?.frames.length === 1, 'heard')
      accepted[0]!.send('and back')
      await until(() => near.closings.length === 1, 'closed')
      expect(near.frames).to.deep.equal([])
      expect(hasCode(near.closings[0], 'PROTOCOL_ERROR')).to.equal(true)
    })

    it('spliced in from another connection of the same two', async () => {
      const { transport, accepted } = await listening()
      let taken: Buffer | undefined
      const address = await between(transport.address, (direction, index, frame) => {
        if (direction !== 'out' || index !== 2) return [frame]
        taken ??= frame
        return [taken]
      })
      const dialler = make()
      const first = new Recorder(await dialler.dial(address, { signal: never }))
      first.send('the same bytes')
      await until(() => accepted[0]?.frames.length === 1, 'the first is genuine')
      const second = new Recorder(await dialler.dial(address, { signal: never }))
      second.send('the same bytes')
      await until(() => accepted[1]?.closings.length === 1, 'the second is not')
      expect(accepted[1]!.frames).to.deep.equal([])
    })
  })

  it('CVE-2026-24308: no error, inspect or JSON shows the secret', async () => {
    const secret = new SharedSecret(Buffer.from(MARKER))
    const side = await listening()
    const near = await dial(side.transport.address)
    new Recorder(near)
    await until(() => side.accepted.length === 1, 'accepted')
    const shown: unknown[] = [secret, side.transport, near, side.accepted[0]!.connection]
    for (const options of [
      { port: 0, secret: MARKER, host: 'not a host' },
      { port: 0, secret: MARKER, tls: {} },
      { port: 0, secret: MARKER.slice(0, 15) },
      { port: -1, secret: Buffer.from(MARKER) },
    ]) {
      try {
        tcp(options as never)
        expect.fail('accepted')
      } catch (error) {
        shown.push(error)
      }
    }
    shown.push(await dial(side.transport.address, { secret: OTHER }).catch(error => error))
    await until(() => side.accepted.length === 2 && side.accepted[1]!.closings.length === 1, 'refused')
    shown.push(side.accepted[1]!.closings[0])
    const text = shown
      .map(each => `${inspect(each, { depth: 20, showHidden: true, maxArrayLength: 5000 })} ${String(each)}`)
      .join('\n')
    const json = JSON.stringify([secret, side.transport])
    for (const form of ['marker-secret', Buffer.from(MARKER).toString('hex').slice(0, 20), 'another-secret']) {
      expect(text + json).to.not.include(form)
    }
    expect(text).to.not.match(/6d 61 72 6b|109,\s*97,\s*114/)
  })

  it('compares in one place, and in constant time', () => {
    const secret = new SharedSecret(Buffer.from(MARKER))
    const nonces = { dialler: Buffer.alloc(32, 1), acceptor: Buffer.alloc(32, 2) }
    const swapped = { dialler: nonces.acceptor, acceptor: nonces.dialler }
    const proof = secret.prove('dialler', nonces)
    expect(secret.proves(proof, 'dialler', nonces)).to.equal(true)
    expect(secret.proves(proof, 'acceptor', nonces)).to.equal(false)
    expect(secret.proves(proof, 'dialler', swapped)).to.equal(false)
    const other = new SharedSecret(Buffer.from(OTHER))
    expect(other.proves(proof, 'dialler', nonces)).to.equal(false)
    const { dialler, acceptor } = secret.sessionKeys(nonces)
    expect(dialler.equals(acceptor)).to.equal(false)
    expect(dialler.equals(secret.sessionKeys(swapped).dialler)).to.equal(false)
    expect(dialler.equals(other.sessionKeys(nonces).dialler)).to.equal(false)
  })

  it('refusals in place of the exchange are read, not believed further', async () => {
    const address = await serve(socket =>
      socket.write(framed(handshake(handshakeKinds.refusal, Buffer.of(0, 0, 2, 104, 105)))),
    )
    expect(isRefusal(handshake(handshakeKinds.refusal, Buffer.of(0)))).to.equal(true)
    expect(await whyNot(dial(address), 'HANDSHAKE_REFUSED')).to.match(/refused by the other side: hi/)
  })

  function handshake(kind: number, body: Uint8Array): Buffer {
    const frame = Buffer.concat([Buffer.alloc(6), body])
    writeHandshakeHead(frame, kind)
    return frame
  }
  function nonce(): Buffer {
    const frame = handshake(handshakeKinds.nonce, Buffer.alloc(32, 9))
    return framed(frame)
  }
  function hello(): Uint8Array {
    return encodeHello({
      protocolLowest: 1,
      protocolHighest: 1,
      ensemble: 'e',
      peer: 1 as never,
      incarnation: '0'.repeat(32),
      membersHash: '0'.repeat(16),
      role: 'participant',
    })
  }
})
